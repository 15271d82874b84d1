# Brings a machine to its bundle. Static: all that it does comes from the bundle's manifest, by way of Hiera
# (README.md). Core resource types alone, so that OpenVox can take Puppet's place.

Exec {
  path => '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
}

File {
  backup => false,
}

# In this order, which is that of the manifest (Puppet's default).
class { 'stop_gone': }
class { 'apt_sources': }
class { 'prepare': }
class { 'install': }
class { 'accounts': }
class { 'place': }
class { 'make_way': }
class { 'run': }
class { 'set_up': }
class { 'remove_gone': }

# A failure stops what comes after it, so that a bundle that can't be installed changes nothing of what runs. A machine
# that has never had a good bundle runs nothing that could suffer: there, only what builds on what failed is left out.
unless lookup('go_on') {
  Class['stop_gone']
  -> Class['apt_sources']
  -> Class['prepare']
  -> Class['install']
  -> Class['accounts']
  -> Class['place']
  -> Class['make_way']
  -> Class['run']
  -> Class['set_up']
  -> Class['remove_gone']
}

# What the last bundle ran and this one lacks, before anything new could want its port.
class stop_gone {
  lookup('gone.units').each |String $unit| {
    service { $unit:
      ensure   => stopped,
      enable   => false,
      provider => systemd,
    }
  }
}

class apt_sources {
  $sources = lookup('apt_sources')
  $helper = "${lookup('bundle')}/puppet/apt-key"
  $sources.each |Hash $source| {
    $key = "/etc/apt/keyrings/managed-${source['name']}.asc"
    exec { "key of ${source['name']}":
      command => "sh ${helper} fetch ${source['key_url']} ${source['key_fingerprint']} ${key}",
      unless  => "sh ${helper} check ${source['key_fingerprint']} ${key}",
      timeout => 120,
    }
    -> file { "/etc/apt/sources.list.d/managed-${source['name']}.sources":
      ensure  => file,
      owner   => 'root',
      group   => 'root',
      mode    => '0644',
      content => @("SOURCE"),
        # Managed: changes on the server are overwritten.
        Types: deb
        URIs: ${source['uri']}
        Suites: ${source['suite']}
        Components: ${join($source['components'], ' ')}
        Signed-By: ${key}
        | SOURCE
    }
  }
}

# Written out here, in make_way and in set_up: what a defined type holds would come after all else where classes aren't chained.
class prepare {
  lookup('setup').filter |Hash $it| { $it['before_packages'] }.each |Hash $it| {
    exec { $it['name']:
      command  => $it['command'],
      unless   => $it['unless'],
      provider => shell,
      timeout  => 900,
    }
  }
}

# Where nothing is missing, Puppet looks at no package: to see what is there, it starts apt and loads all its providers.
class install {
  $packages = lookup('packages')
  $missing = lookup('missing')
  $how = lookup('go_on') ? {
    true    => '--what-can-be-had ',
    default => '',
  }
  unless $missing.empty {
    # All at once: one call of apt takes half the time of one for each package.
    exec { 'install packages':
      command => "sh ${lookup('bundle')}/puppet/install-packages ${how}${join($missing, ' ')}",
      timeout => 1800,
    }
    -> package { $packages:
      ensure          => installed,
      install_options => ['--no-install-recommends', '-o', 'Dpkg::Options::=--force-confold'],
    }
  }
}

class accounts {
  group { lookup('groups'):
    ensure => present,
    system => true,
  }
  lookup('users').each |Hash $user| {
    user { $user['name']:
      ensure     => present,
      uid        => $user['uid'],
      managehome => true,
      shell      => '/bin/bash',
      groups     => $user['groups'],
      membership => inclusive,
      expiry     => $user['expiry'],
    }
  }
  lookup('gone.users').each |String $name| {
    # An account that is in use can't be removed.
    exec { "end what ${name} runs":
      command  => "systemctl stop user@\$(id -u ${name}).service; pkill -KILL -u ${name}; sleep 1",
      provider => shell,
      onlyif   => "pgrep -u ${name}",
      returns  => [0, 1],
    }
    -> user { $name:
      ensure => absent,  # its home stays: data
    }
  }
}

class place {
  $parents = join(lookup('parents'), ' ')
  exec { 'make folders':
    command  => "mkdir -p ${parents}",
    provider => shell,
    unless   => "for p in ${parents}; do test -d \$p || exit 1; done",
  }

  lookup('directories').each |Hash $it| {
    if $it['once'] {
      exec { "make ${it['path']}":
        command => "install -d -o ${it['owner']} -g ${it['group']} -m ${it['mode']} ${it['path']}",
        creates => $it['path'],
        require => Exec['make folders'],
        before  => Class['run'],
      }
    } else {
      file { $it['path']:
        ensure  => directory,
        owner   => $it['owner'],
        group   => $it['group'],
        mode    => $it['mode'],
        require => Exec['make folders'],
      }
    }
  }

  lookup('files').each |Hash $it| {
    $units = $it['path'] ? {
      /^\/etc\/systemd\// => [Exec['reload systemd']],
      default             => [],
    }
    file { $it['path']:
      ensure       => file,
      owner        => $it['owner'],
      group        => $it['group'],
      mode         => $it['mode'],
      source       => "${lookup('bundle')}/files${it['path']}",
      replace      => !$it['once'],
      validate_cmd => $it['validate'],
      require      => Exec['make folders'],
      notify       => $units + $it['notify'].map |String $unit| { Service[$unit] },
    }
  }

  # Laid out in memory by converge: no bundle, report or log holds them.
  lookup('secrets').each |Hash $it| {
    file { $it['path']:
      ensure    => file,
      owner     => $it['owner'],
      group     => $it['group'],
      mode      => $it['mode'],
      source    => $it['source'],
      show_diff => false,
      require   => Exec['make folders'],
      notify    => $it['notify'].map |String $unit| { Service[$unit] },
    }
  }

  lookup('links').each |Hash $it| {
    file { $it['path']:
      ensure  => link,
      target  => $it['target'],
      require => Exec['make folders'],
      notify  => $it['notify'].map |String $unit| { Service[$unit] },
    }
  }

  lookup('removed').each |Hash $it| {
    file { $it['path']:
      ensure => absent,
      notify => $it['notify'].map |String $unit| { Service[$unit] },
    }
  }

  exec { 'reload systemd':
    command     => 'systemctl daemon-reload',
    refreshonly => true,
  }
}

# What leaves a port by a step of its own does so before a unit takes it; and what a unit must find is there.
class make_way {
  lookup('setup').filter |Hash $it| { $it['before_units'] }.each |Hash $it| {
    exec { $it['name']:
      command  => $it['command'],
      unless   => $it['unless'],
      provider => shell,
      timeout  => 900,
    }
  }
}

# In the manifest's order, in which what stands behind another leaves its ports before that one takes them.
# Of units that are as they should be, Puppet looks at none: asking for each takes most of a run without changes. They
# are restarted all the same when what they read has changed.
class run {
  $looked_at = lookup('looked_at')
  $units = lookup('units')
  $timers = lookup('timers')
  $runs = $units.filter |Hash $it| { $it['state'] == 'running' } + $timers
  $names = $runs.map |Hash $it| { $it['name'] }.filter |String $name| { $name in $looked_at }
  unless $names.empty {
    $helper = "sh ${lookup('bundle')}/puppet/enable-units"
    exec { 'enable units':
      command => "${helper} ${join($names, ' ')}",
      onlyif  => "${helper} --needed ${join($names, ' ')}",
    }
  }

  $units.each |Hash $it| {
    $set = $it['name'] in $looked_at ? {
      true    => { 'ensure' => $it['state'], 'enable' => $it['state'] == 'running' },
      default => {},
    }
    # Puppet's own way to start has systemd read all units anew, each time.
    $start = $it['ports'].empty ? {
      true    => "systemctl start ${it['name']}",
      default => "sh ${lookup('bundle')}/puppet/take-ports ${it['name']} ${join($it['ports'], ',')} ${join($it['behind'], ' ')}",
    }
    service { $it['name']:
      *        => $set,
      provider => systemd,
      start    => $start,
      restart  => $it['reload'] ? {
        true    => "systemctl reload-or-restart ${it['name']}",
        default => undef,
      },
    }
  }
  $timers.each |Hash $it| {
    $set = $it['name'] in $looked_at ? {
      true    => { 'ensure' => running, 'enable' => true },
      default => {},
    }
    service { $it['name']:
      *         => $set,
      provider  => systemd,
      start     => "systemctl start ${it['name']}",
      subscribe => File["/etc/systemd/system/${it['name']}"],
    }
  }
}

class set_up {
  lookup('setup').filter |Hash $it| { !$it['before_packages'] and !$it['before_units'] }.each |Hash $it| {
    exec { $it['name']:
      command  => $it['command'],
      unless   => $it['unless'],
      provider => shell,
      timeout  => 900,
    }
  }
}

# Data excepted: a folder goes only when it is empty, a package's data stay (no purge), homes stay.
class remove_gone {
  file { lookup('gone.files'):
    ensure => absent,
    notify => Exec['reload systemd after removal'],
  }
  -> exec { 'reload systemd after removal':
    command     => 'systemctl daemon-reload',
    refreshonly => true,
  }
  -> package { lookup('gone.packages'):
    ensure => absent,
  }
  -> group { lookup('gone.groups'):
    ensure => absent,
  }
  $folders = join(lookup('gone.directories'), ' ')  # the deepest first
  exec { 'remove empty folders':
    command  => "for p in ${folders}; do rmdir --ignore-fail-on-non-empty \"\$p\"; done",
    provider => shell,
    onlyif   => "for p in ${folders}; do test -d \"\$p\" && test -z \"\$(ls -A \"\$p\")\" && exit 0; done; exit 1",
    require  => Exec['reload systemd after removal'],
  }
}
