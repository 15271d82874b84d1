"""For each validator one small layout that is right, and one that is wrong in one place."""

# ruff: noqa: E501  a table reads best with one case a line

from collections.abc import Mapping
from dataclasses import dataclass, field

Files = Mapping[str, tuple[bytes, str, str, int]]


def f(text: str, owner: str = "root", group: str = "root", mode: int = 0o644) -> tuple[bytes, str, str, int]:
    return text.encode(), owner, group, mode


@dataclass(frozen=True)
class Case:
    """`said` must be in what the validator says of the bad layout: it has to fail for the right reason."""

    good: Files
    bad: Files
    said: str
    users: tuple[str, ...] = field(default=())


def _same(path: str, good: str, bad: str, said: str, **more: object) -> Case:
    entry = {key: value for key, value in more.items() if key != "users"}
    users = more.get("users", ())
    assert isinstance(users, tuple)
    return Case({path: f(good, **entry)}, {path: f(bad, **entry)}, said, users)  # type: ignore[arg-type]


_UNIT = "[Unit]\nDescription=A check\n[Service]\nType=oneshot\nExecStart=/bin/true\n"
_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFV3uDnHFDOJHtCRDYAENBpVXnEQJWZyqFEWEbNLCyMa alice@laptop\n"
_SOURCE = "Types: deb\nURIs: file:/srv/packages\nSuites: trixie\nComponents: main\n"
_PLUGIN = "command[check_load]=/usr/lib/nagios/plugins/check_load -r -w 1,1,1 -c 2,2,2\n"
_TLS = (
    "ssl_version=TLSv1.2+\nssl_use_adh=0\nssl_cipher_list=ALL:!aNULL:@STRENGTH\nssl_cacert_file=/etc/nagios/tls/ca.pem\n"
    "ssl_cert_file=/etc/nagios/tls/server.pem\nssl_privatekey_file=/etc/nagios/tls/server.key\nssl_client_certs=2\n"
)
_HOST = "define host {\n    host_name       acme-web1\n    use             {use}\n    address         192.0.2.10\n}\n"
_AGENT = "<ossec_config>\n  <client><server-ip>192.0.2.1</server-ip></client>\n  {more}\n</ossec_config>\n"
_LOG = "<localfile><log_format>{format}</log_format><location>/var/log/auth.log</location></localfile>"
_POOL = (
    "[www]\nuser = www-data\ngroup = www-data\nlisten = /run/php/www.sock\npm = ondemand\npm.max_children = {n}\n"
    "php_admin_value[{name}] = 64M\n"
)
_ROTATE = "/var/log/acme.log {{\n    weekly\n    {word}\n    missingok\n}}\n"
_TIMER = "[Unit]\nDescription=A time\n[Timer]\nOnCalendar={when}\n[Install]\nWantedBy=timers.target\n"
_PROXY = (
    "defaults\n    mode http\n    timeout client 9s\n    timeout server 9s\n    timeout connect 9s\n"
    "frontend acme\n    bind 127.0.0.1:8082\n"
)
_TOMCAT = (
    '<Server port="-1"><Service name="a"><Connector address="127.0.0.1" port="8083" {name}="4"/>'
    '<Engine name="a" defaultHost="b"><Host name="b" appBase="webapps"/></Engine></Service></Server>\n'
)
_WSGI = "def application(environ, start_response):\n    return []\n"

CASES: dict[str, Case] = {
    "nginx": _same(
        "/etc/nginx/conf.d/acme.conf",
        "server { listen 127.0.0.1:8081; location / { return 204; } }\n",
        "server { listen 127.0.0.1:8081; loction / { return 204; } }\n",
        'unknown directive "loction"',
    ),
    "apache": _same(
        "/etc/apache2/sites-enabled/acme.conf",
        "ServerName acme.example\n<VirtualHost *:80>\n    DocumentRoot /var/www\n</VirtualHost>\n",
        "ServerName acme.example\n<VirtualHost *:80>\n    DocumentRot /var/www\n</VirtualHost>\n",
        "Invalid command 'DocumentRot'",
    ),
    "haproxy": Case(
        {"/etc/haproxy/haproxy.cfg": f(_PROXY), "/etc/haproxy/customer.d/README": f("yours\n")},
        {
            "/etc/haproxy/haproxy.cfg": f(_PROXY.replace("timeout client", "timeuot client")),
            "/etc/haproxy/customer.d/README": f("yours\n"),
        },
        "unknown keyword 'timeuot'",
    ),
    "varnish": _same(
        "/etc/varnish/default.vcl",
        'vcl 4.1;\nbackend default none;\nsub vcl_recv { set req.http.X = "1"; }\n',
        'vcl 4.1;\nbackend default none;\nsub vcl_recv { set req.htp.X = "1"; }\n',
        "req.htp",
    ),
    "tomcat": _same(
        "/etc/tomcat11/server.xml",
        _TOMCAT.format(name="maxThreads"),
        _TOMCAT.format(name="maxThreds"),
        "[maxThreds]",
    ),
    "gunicorn": Case(
        {"/etc/python-application/gunicorn.conf.py": f("workers = 3\n"), "/srv/python/main.py": f(_WSGI)},
        {
            "/etc/python-application/gunicorn.conf.py": f("workers = 'many'\n"),
            "/srv/python/main.py": f(_WSGI),
        },
        "many",
    ),
    "php-fpm": _same(
        "/etc/php/8.4/fpm/pool.d/www.conf",
        _POOL.format(n=5, name="memory_limit"),
        _POOL.format(n="many", name="memory_limit"),
        "pm.max_children",
    ),
    "php-cli": _same(
        "/etc/php/8.4/cli/conf.d/90-acme.ini",
        "memory_limit = 64M\n",
        'memory_limit = "64M\n[',
        "syntax error",
    ),
    "php-directives": _same(
        "/etc/php/8.4/fpm/pool.d/www.conf",
        _POOL.format(n=5, name="memory_limit"),
        _POOL.format(n=5, name="memory_limits"),
        "unknown directive memory_limits",
    ),
    "nrpe": Case(
        {"/etc/nagios/nrpe.d/acme.cfg": f("server_address=192.0.2.10\n" + _TLS + _PLUGIN)},
        {"/etc/nagios/nrpe.d/acme.cfg": f(_TLS + "alowed_hosts=192.0.2.1\n" + _PLUGIN)},
        "Unknown option",
    ),
    "nagios": _same(
        "/etc/nagios4/conf.d/acme.cfg",
        _HOST.replace("{use}", "linux-server"),
        _HOST.replace("{use}", "no-such-template"),
        "no-such-template",
    ),
    "munin-node": _same(
        "/etc/munin/munin-node.conf",
        "log_file /var/log/munin/munin-node.log\nuser root\ngroup root\nallow ^127\\.0\\.0\\.1$\nhost *\nport 4949\n",
        "log_file /var/log/munin/munin-node.log\nuser root\ngroup root\nallw ^127\\.0\\.0\\.1$\nhost *\nport 4949\n",
        "unknown: allw",
    ),
    "munin-plugin-config": _same(
        "/etc/munin/plugin-conf.d/acme",
        "[df*]\nuser root\nenv.warning 80\n",
        "[df*]\nwarning 80\n",
        "Failed to parse line",
    ),
    "munin-hub": _same(
        "/etc/munin/munin-conf.d/acme.conf",
        "[acme;acme-web1]\n    address 192.0.2.10\n    use_node_name yes\n",
        "[acme;acme-web1]\n    adress 192.0.2.10\n    use_node_name yes\n",
        "left hand side of line 2 (adress",
    ),
    "clamd": _same(
        "/etc/clamav/clamd.conf",
        "LocalSocket /run/clamav/clamd.ctl\nMaxFileSize 25M\n",
        "LocalSocket /run/clamav/clamd.ctl\nMaxFileSiz 25M\n",
        "Unknown option MaxFileSiz",
    ),
    "freshclam": _same(
        "/etc/clamav/freshclam.conf",
        "DatabaseMirror mirror.example\nChecks 24\n",
        "DatabaseMirror mirror.example\nChecks often\n",
        "Checks",
    ),
    "clamav-signatures": _same(
        "/var/lib/clamav/acme.hdb",
        "44d88612fea8a8f36de82e1278abb02f:68:Test.File\n",
        "44d88612fea8a8f36de82e1278abb02f:Test.File\n",
        "Malformed",
    ),
    "nftables": _same(
        "/etc/nftables.conf",
        "flush ruleset\ntable inet filter {\n chain input {\n  type filter hook input priority 0; policy drop;\n }\n}\n",
        "flush ruleset\ntable inet filter {\n chain input {\n  type filter hook imput priority 0; policy drop;\n }\n}\n",
        "imput",
        mode=0o755,
    ),
    "sshd": _same(
        "/etc/ssh/sshd_config.d/50-acme.conf",
        "PasswordAuthentication no\n",
        "PasswordAuthentification no\n",
        "Bad configuration option",
    ),
    "ssh-client": _same(
        "/etc/ssh/ssh_config.d/acme.conf",
        "Host *\n    StrictHostKeyChecking yes\n",
        "Host *\n    StrictHostKeyChecks yes\n",
        "Bad configuration option",
    ),
    "authorized-keys": _same(
        "/home/alice/.ssh/authorized_keys",
        _KEY,
        _KEY + "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA bob@laptop\n",
        "2 lines, 1 keys",
        owner="alice",
        group="alice",
        mode=0o600,
        users=("alice",),
    ),
    "sudoers": _same(
        "/etc/sudoers.d/alice",
        "alice ALL=(ALL:ALL) NOPASSWD: ALL\n",
        "alice ALL=(ALL:ALL) NOPASS: ALL\n",
        "syntax error",
        mode=0o440,
        users=("alice",),
    ),
    "systemd-unit": _same(
        "/etc/systemd/system/acme.service", _UNIT, _UNIT.replace("ExecStart", "ExecStrat"), "Unknown key"
    ),
    "systemd-calendar": Case(
        {
            "/etc/systemd/system/acme.service": f(_UNIT),
            "/etc/systemd/system/acme.timer": f(_TIMER.format(when="Sun *-*-* 03:00:00")),
        },
        {
            "/etc/systemd/system/acme.service": f(_UNIT),
            "/etc/systemd/system/acme.timer": f(_TIMER.format(when="Sonday 03:00")),
        },
        "Failed to parse calendar",
    ),
    "tmpfiles": _same(
        "/etc/tmpfiles.d/acme.conf",
        "d /run/acme 0750 root adm -\n",
        "d /run/acme 0750 nosuch adm -\n",
        "nosuch",
    ),
    "sysusers": _same("/etc/sysusers.d/acme.conf", "u acme - -\n", "x? acme - -\n", "x?"),
    "sysctl": _same(
        "/etc/sysctl.d/90-acme.conf",
        "net.ipv4.tcp_syncookies = 1\n",
        "net.ipv4.tcp_syncokies = 1\n",
        "tcp_syncokies",
    ),
    "apt-conf": _same(
        "/etc/apt/apt.conf.d/52acme",
        'APT::Periodic::Update-Package-Lists "1";\n',
        'APT::Periodic "1"\n',
        "Syntax error",
    ),
    "apt-sources": _same(
        "/etc/apt/sources.list.d/acme.sources", _SOURCE, _SOURCE.replace("Suites: trixie\n", ""), "Suite"
    ),
    "unattended-upgrades": _same(
        "/etc/apt/apt.conf.d/52unattended-upgrades-acme",
        '#clear Unattended-Upgrade::Origins-Pattern;\nUnattended-Upgrade::Origins-Pattern {"origin=Debian,label=Debian";};\n',
        '#clear Unattended-Upgrade::Origins-Pattern;\nUnattended-Upgrade::Origins-Pattern {"orign=Debian";};\n',
        "orign",
    ),
    "needrestart": _same(
        "/etc/needrestart/conf.d/acme.conf",
        "$nrconf{restart} = 'l';\n",
        "$nrconf{restart} = 'l'\n$nrconf{kernelhints} = 0;\n",
        "syntax error",
    ),
    "logrotate": _same(
        "/etc/logrotate.d/acme",
        _ROTATE.format(word="rotate 4"),
        _ROTATE.format(word="rotat 4"),
        "unknown option",
    ),
    "rsyslog": _same(
        "/etc/rsyslog.d/acme.conf", "local7.* /var/log/acme.log\n", "bogus(\n", "invalid character"
    ),
    "cron-d": _same(
        "/etc/cron.d/acme", "5 3 * * * root /bin/true\n", "5 3 * * * nosuch /bin/true\n", "no user 'nosuch'"
    ),
    "cron-script-name": Case(
        {"/etc/cron.daily/acme": f("#!/bin/sh\ntrue\n", mode=0o755)},
        {"/etc/cron.daily/acme.sh": f("#!/bin/sh\ntrue\n", mode=0o755)},
        "reads only files named",
    ),
    "rkhunter": _same("/etc/rkhunter.conf.local", "PKGMGR=DPKG\n", "PKGMGR=YES\n", "Invalid package manager"),
    "chrony": _same("/etc/chrony/conf.d/acme.conf", "maxdistance 3\n", "maxdistanc 3\n", "Invalid directive"),
    "mysql": _same(
        "/etc/mysql/conf.d/acme.cnf",
        "[mysqld]\nmax-connections = 20\nloose-mysqlx = OFF\n",
        "[mysqld]\nmax-conections = 20\n",
        "unknown variable 'max-conections=20'",
    ),
    "postfix": _same(
        "/etc/postfix/main.cf",
        "compatibility_level = 3.6\nrelayhost = [relay.example]:587\n",
        "compatibility_level = 3.6\nrelayhst = [relay.example]:587\n",
        "unused parameter: relayhst",
    ),
    "memcached": _same(
        "/etc/memcached.conf",
        "-u memcache\n-l 127.0.0.1\n-p 11211\n-U 0\n-m 64\n",
        "-u memcache\n-l 127.0.0.1\n-p 11211\n-U 0\n-m 64\n-I lots\n",
        "Item max size",
    ),
    "named": _same(
        "/etc/bind/named.conf",
        'options { directory "/var/cache/bind"; recursion no; };\n',
        'options { directory "/var/cache/bind"; recursing no; };\n',
        "unknown option 'recursing'",
    ),
    "named-zone": _same(
        "/etc/bind/managed-localhost.zone",
        "$TTL 1d\n@ IN SOA localhost. root.localhost. 1 1d 2h 4w 1h\n IN NS localhost.\n IN A 127.0.0.1\n",
        "$TTL 1d\n@ IN SOA localhost. root.localhost. 1 1d 2h 4w 1h\n IN NS localhost.\n IN A 127.0.0.256\n",
        "bad dotted quad",
    ),
    "slapd": _same(
        "/etc/ldap/slapd.conf",
        'include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb.la\ndatabase mdb\nsuffix "dc=acme"\ndirectory /var/lib/ldap\n',
        'include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb.la\ndatabase mdb\nsuffix "dc=acme"\ndirectry /var/lib/ldap\n',
        "unknown directive <directry>",
    ),
    "openvpn": _same(
        "/etc/openvpn/server/acme.conf",
        "dev tun\nserver 10.89.0.0 255.255.255.0\ndh none\ncert acme.crt\nkey acme.key\n",
        "dev tun\nserver 10.89.0.0 255.255.255.0\ndh none\ncert acme.crt\nkey acme.key\nkeep-alive 10\n",
        "keep-alive",
    ),
    "redis": _same(
        "/etc/redis/redis.conf",
        "port 6379\nmaxmemory 64mb\n",
        "port 6379\nmaxmemory-polcy allkeys-lru\n",
        "Unresolved Configuration",
        owner="redis",
        group="redis",
        mode=0o640,
    ),
    "shell": _same(
        "/usr/local/sbin/acme",
        '#!/bin/bash\nset -eu\nrm -r -- "$1"\n',
        "#!/bin/bash\nfor x in $(ls); do\n  unused=$x\ndone\n",
        "SC2034",
        mode=0o755,
    ),
    "defaults": _same("/etc/default/acme", 'OPTIONS="-x"\n', 'OPTIONS="-x\n', "Unterminated"),
    "python": _same(
        "/usr/local/bin/acme",
        "#!/usr/bin/python3\nprint(1)\n",
        "#!/usr/bin/python3\nprint(1\n",
        "SyntaxError",
    ),
    "python-module": _same("/usr/local/lib/acme/a.py", "print(1)\n", "print(1\n", "SyntaxError"),
    "jinja": _same("/usr/local/lib/acme/a.j2", "{{ name }}\n", "{{ name }\n", "unexpected '}'"),
    "javascript": _same("/srv/nodejs/server.js", "let a = 1;\n", "let a = ;\n", "SyntaxError"),
    "xml": _same("/usr/local/lib/acme/web.xml", "<a><b/></a>\n", "<a><b></a>\n", "mismatched tag"),
    "perl": _same(
        "/usr/local/bin/acme", "#!/usr/bin/perl\nprint 1;\n", "#!/usr/bin/perl\nprint 1 2;\n", "syntax error"
    ),
    "gitlab": _same(
        "/etc/gitlab/gitlab.rb",
        "external_url 'http://git.acme.example'\nnginx['enable'] = true\n",
        "external_url 'http://git.acme.example\n",
        "unterminated string",
    ),
    "jvm-options": _same(
        "/etc/elasticsearch/jvm.options.d/acme.options",
        "# heap\n-Xms512m\n-Xmx512m\n",
        "-Xms512\n",
        "1:-Xms512",
    ),
    "yaml": _same("/etc/acme.yml", "a: [1, 2]\n", "a: [1, 2\n", "expected ',' or ']'"),
    "json": _same("/etc/acme.json", '{"a": 1}\n', '{"a": 1,}\n', "Illegal trailing comma"),
    "cloudwatch-agent": _same(
        "/opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json",
        '{"metrics": {"metrics_collected": {"mem": {"measurement": ["used_percent"]}}}}\n',
        '{"metrics": {"metrics_collected": {"mem": {"measurement": ["percent_used"]}}}}\n',
        "'percent_used' is not mem",
    ),
    "ossec-xml": _same(
        "/var/ossec/rules/local_rules.xml",
        "<group name='a'></group>\n",
        "<group name='a'></grop>\n",
        "mismatch",
    ),
    "ossec-options": _same(
        "/var/ossec/etc/ossec.conf",
        _AGENT.format(more=_LOG.format(format="syslog")),
        _AGENT.format(more=_LOG.format(format="syslogs")),
        "'syslogs' is not log_format",
    ),
}
