# Behind site.pp in the bundle of a server with a data volume: it is mounted before any package could write beneath it.
# Without it nothing is applied, also on a machine that has never had a good bundle.
$files = "${lookup('bundle')}/files"
$program = "python3 ${files}/usr/local/lib/managed-server/data-volume"
$accounts = "python3 ${files}/usr/local/lib/managed-server/data-volume-accounts"

exec { 'mount the data volume':
  command => "${program} place ${files}",
  unless  => "${program} placed ${files}",
  timeout => 900,
}
# Another machine may have left it: its accounts have other numbers there.
-> exec { 'accounts of programs on the data volume':
  command => "${accounts} programs",
  unless  => "${accounts} programs --check",
  timeout => 3600,
  before  => [
    Class['stop_gone'],
    Class['apt_sources'],
    Class['prepare'],
    Class['install'],
    Class['accounts'],
    Class['place'],
    Class['make_way'],
    Class['run'],
    Class['set_up'],
    Class['remove_gone'],
  ],
}

exec { 'accounts of people on the data volume':
  command => "${accounts} people",
  unless  => "${accounts} people --check",
  timeout => 3600,
  require => Class['accounts'],
  before  => Class['place'],
}
exec { 'record of accounts on the data volume':
  command => "${accounts} note",
  unless  => "${accounts} note --check",
  require => Class['remove_gone'],
}
