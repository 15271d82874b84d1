# Behind site.pp in the bundle of a server with a data volume: it is mounted before any package could write beneath it.
# Without it nothing is applied, also on a machine that has never had a good bundle.
$files = "${lookup('bundle')}/files"
$program = "python3 ${files}/usr/local/lib/managed-server/data-volume"

exec { 'mount the data volume':
  command => "${program} place ${files}",
  unless  => "${program} placed ${files}",
  timeout => 900,
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
