# Behind site.pp in the bundle of a server with a data volume: it is mounted before any package could write beneath it.
# Without it nothing is applied, also on a machine that has never had a good bundle.
$files = "${lookup('bundle')}/files"
$program = "python3 ${files}/usr/local/lib/managed-server/data-volume"
$accounts = "python3 ${files}/usr/local/lib/managed-server/data-volume-accounts"
$people = lookup('users').map |Hash $user| { "${user['name']}=${user['uid']}" }.join(' ')

exec { 'mount the data volume':
  command => "${program} place ${files}",
  unless  => "${program} placed ${files}",
  timeout => 900,
}
# Another machine may have left it: its accounts have other numbers there.
-> exec { 'accounts on the data volume':
  command => "${accounts} take ${people}",
  unless  => "${accounts} taken",
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

# Last, as it stands last. Also where something failed: what was installed has its accounts.
exec { 'record of accounts on the data volume':
  command => "${accounts} note ${people}",
  unless  => "${accounts} noted ${people}",
  require => Exec['accounts on the data volume'],
}
