"""Percona's accounts and configuration, the dumps and their restore, at work in MariaDB, which stands in."""

# ruff: noqa: E501, S608  lines of the shell and of SQL

import json

import pytest

from .support import customer, files_of, folders_of, run_script

pytestmark = pytest.mark.machine

ORIGINS = ("dumps", "percona")
HERE = "/usr/local/lib/managed-server"
HEARTBEATS = "/var/lib/managed-server/heartbeat"
DIRECTORY = "/var/lib/automysqlbackup"

START = f"""
install -d -o mysql -g mysql /run/mysqld
getent passwd nagios >/dev/null || useradd --system nagios
mkdir -p /var/lib/managed-server/backup
mariadbd --user=mysql >/tmp/mariadbd 2>&1 &
for _ in $(seq 600); do mysql -e 'SELECT 1' >/dev/null 2>&1 && break; sleep 0.1; done
rm -f /etc/cron.daily/automysqlbackup
{HERE}/mysql-accounts || exit 1
"""

# Values that look like the statements around them.
FILL = r"""
mysql <<'END' || exit 1
CREATE DATABASE shop; CREATE DATABASE `old_sys-mysql`; CREATE DATABASE bare;
USE shop;
CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, a TEXT, b VARBINARY(50), g INT AS (LENGTH(a)));
INSERT INTO t (a, b) VALUES ('x\'), (''y', 0x00ff28), ('line\nINSERT INTO `t` VALUES (1);', NULL), ('\\', 0x27);
CREATE TABLE `od``d (x)` (`c)` INT); INSERT INTO `od``d (x)` VALUES (1), (2);
CREATE TABLE hollow (i INT);
CREATE TABLE `old_sys-mysql`.u (i INT); INSERT INTO `old_sys-mysql`.u VALUES (1), (2), (3);
CREATE VIEW afar AS SELECT i FROM `old_sys-mysql`.u;
DELIMITER //
CREATE PROCEDURE p() BEGIN
INSERT INTO `t` VALUES (1);
END//
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW BEGIN
SET new.a = CONCAT(new.a, '');
END//
DELIMITER ;
CREATE USER 'app'@'localhost' IDENTIFIED BY 'pa\'ss';
GRANT ALL ON shop.* TO 'app'@'localhost'; GRANT EXECUTE ON PROCEDURE shop.p TO 'app'@'localhost';
END
"""

ROWS = {"shop.t": 3, "shop.od`d (x)": 2, "shop.hollow": 0, "old_sys-mysql.u": 3}


class Database:
    """A server with the rendered files of both entries."""

    def __init__(self, root, tmp_path, machine):
        release, self.tree = machine
        changes = {
            "software: [nginx, php]": "software: [nginx, php, percona]",
            "disk_gb: 80": f"disk_gb: 80\n        debian: {release}",
        }
        spec = customer(tmp_path, changes)
        self.server = spec.servers[0]
        self.files = files_of(root, spec, ORIGINS)
        self.folders = folders_of(spec, ORIGINS)

    def run(self, script):
        """Run a script beside the database. Returns its lines; they have to end with `done`."""
        result = run_script(self.tree, f"{self.folders}\n{START}\n{script}\necho done", self.files)
        lines = result.stdout.splitlines()
        assert lines[-1:] == ["done"], result
        return lines[:-1]


@pytest.fixture
def databases(root, tmp_path, machines):
    return Database(root, tmp_path, machines)


@pytest.fixture
def database(root, tmp_path, machine):
    return Database(root, tmp_path, machine)


def test_dumps_are_made_judged_and_put_back(databases):
    said = databases.run(
        FILL
        + f"""
{HERE}/dumps >/dev/null && cat {HEARTBEATS}/dumps-result {HEARTBEATS}/dumps
cp -r /var/lib/managed-server/dumps /opt/records
jq -c .rows /opt/records/percona.json
echo "{{\\"dumps\\": {{\\"percona\\": $(cat /opt/records/percona.json)}}}}" >/var/lib/managed-server/backup/inventory.json
find {DIRECTORY} ! -perm 700 ! -perm 600 ! -perm 750
values() {{ mysql --no-defaults -u app -p"pa'ss" -S /run/mysqld/mysqld.sock -N -e 'SELECT HEX(a), HEX(b) FROM shop.t'; }}
values >/opt/values; wc -l </opt/values
mysql -e 'DROP DATABASE shop; DROP DATABASE bare; DROP DATABASE `old_sys-mysql`; DROP USER app@localhost'
{HERE}/restore-mysql load && {HERE}/restore-mysql count
values | cmp - /opt/values && echo equal
mysql -N -e "SELECT COUNT(*) FROM shop.afar; SHOW PROCEDURE STATUS WHERE db = 'shop'; SHOW TRIGGERS IN shop" |
    cut -f 1,2
"""
    )
    text = "ok percona: 3 databases, 4 tables, 8 rows"
    assert said[:2] == [text, text]
    assert json.loads(said[2]) == ROWS
    assert said[3] == "3"
    assert json.loads(said[4]) == ROWS
    assert said[5:] == ["equal", "3", "shop\tp", "tr\tINSERT"]


BAD = {
    "a dump that ends too soon": ('zcat "$f" | head -n -1 | gzip >/tmp/n && cp /tmp/n "$f"', "is complete"),
    "a dump that can't be unpacked": ('truncate -s -20 "$f"', "is not good"),
    "an empty dump": (': | gzip >/tmp/n; cp /tmp/n "$f"', "is complete"),
    "a missing row": (
        'zcat "$f" | sed \'s/^(1),$//; s/(1),//\' | gzip >/tmp/n; cp /tmp/n "$f"',
        "has 1 rows",
    ),
    "a missing table": ('zcat "$f" | sed \'s/`hollow`/`other`/\' | gzip >/tmp/n; cp /tmp/n "$f"', "'hollow'"),
    "no dump": ('rm "$f"', "no dump of 'shop' was made"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_dump_is_told(database, what):
    damage, expected = BAD[what]
    said = database.run(
        FILL
        + f"""
mv /usr/sbin/automysqlbackup /usr/sbin/real
cat >/usr/sbin/automysqlbackup <<'END'
#!/bin/bash
/usr/sbin/real "$@"; code=$?
f=$(ls {DIRECTORY}/{{daily,weekly}}/shop/*.gz 2>/dev/null)
{damage}
exit $code
END
chmod 755 /usr/sbin/automysqlbackup
{HERE}/dumps >/dev/null; echo $?; cat {HEARTBEATS}/dumps-result; ls {HEARTBEATS} /var/lib/managed-server/dumps
"""
    )
    assert said[0] == "1"
    assert said[1].startswith("critical ")
    assert expected in said[1]
    assert [line for line in said[2:] if line and "/" not in line] == ["dumps-result"], (
        "no heartbeat, no record"
    )


def test_a_table_that_is_written_to_meanwhile_is_no_fault(database):
    said = database.run(
        FILL
        + f"""
mv /usr/sbin/automysqlbackup /usr/sbin/real
printf '#!/bin/sh\\nmysql -e "INSERT INTO shop.hollow VALUES (1)"\\nexec /usr/sbin/real "$@"\\n' >/usr/sbin/automysqlbackup
chmod 755 /usr/sbin/automysqlbackup
{HERE}/dumps >/dev/null; cat {HEARTBEATS}/dumps-result; jq '.rows["shop.hollow"]' /var/lib/managed-server/dumps/percona.json
"""
    )
    assert said == ["ok percona: 3 databases, 4 tables, 9 rows", "1"]


def test_no_database_yet_and_a_database_that_is_down(database):
    said = database.run(
        f"""
{HERE}/dumps >/dev/null; cat {HEARTBEATS}/dumps-result
mariadb-admin shutdown
{HERE}/dumps >/dev/null; echo $?; cut -c 1-15 {HEARTBEATS}/dumps-result; grep -c ok {HEARTBEATS}/dumps
"""
    )
    assert said == ["ok percona: 0 databases, 0 tables, 0 rows", "1", "critical mysql:", "1"]


def test_a_database_that_lost_all_its_tables_is_told_once(database):
    said = database.run(
        FILL
        + f"""
look() {{ {HERE}/dumps >/dev/null; cat {HEARTBEATS}/dumps-result; }}
look
mysql -e 'DROP DATABASE shop; DROP DATABASE bare; DROP DATABASE `old_sys-mysql`'
look; look
"""
    )
    none = "percona: 0 databases, 0 tables, 0 rows"
    assert said[1:] == [f"warning {none}; the last dump had 4 tables", f"ok {none}"]


def test_accounts_come_in_over_the_socket_alone_and_can_do_little(databases):
    said = databases.run(
        f"""
{HERE}/mysql-accounts --check && echo there
{HERE}/mysql-accounts && echo again
as() {{ setpriv --reuid "$1" --clear-groups mysql --no-defaults -S /run/mysqld/mysqld.sock -u "$2" -N -e "$3" 2>&1; }}
as nagios nagios 'SELECT CURRENT_USER()'
as nagios munin 'SELECT 1' | grep -o 'ERROR [0-9]*'
as nagios root 'SELECT 1' | grep -o 'ERROR [0-9]*'
as nagios nagios 'SELECT COUNT(*) FROM mysql.user' | grep -o 'ERROR [0-9]*'
as munin munin 'SHOW GLOBAL STATUS' | grep -c Threads_running
mysql -e "DROP USER munin@localhost"; {HERE}/mysql-accounts --check || echo gone
{HERE}/mysql-accounts && {HERE}/mysql-accounts --check && echo back
setpriv --reuid nagios --clear-groups /usr/lib/nagios/plugins/check_mysql -s /run/mysqld/mysqld.sock -u nagios |
    cut -d ' ' -f 1
ss -Hltn | awk '{{print "listens", $4}}'
mysql -N -e "SELECT @@max_connections, @@local_infile, @@innodb_buffer_pool_size DIV 1048576, @@slow_query_log_file"
grep -c 'unknown variable' /var/log/mysql/error.log
"""
    )
    assert said[:3] == ["there", "again", "nagios@localhost"]
    assert said[3:7] == ["ERROR 1698", "ERROR 1698", "ERROR 1142", "1"]
    assert said[7:10] == ["gone", "back", "Uptime:"]
    assert said[10] == "listens 127.0.0.1:3306"
    assert said[11].split("\t") == ["200", "0", "2048", "/var/log/mysql/slow-queries"]
    assert said[12] == "2", "the two options that only the vendor's server knows"


def test_each_munin_plugin_has_figures(database):
    plugins = [plugin for plugin in database.server.munin if plugin.name.startswith("mysql_")]
    assert len(plugins) == 6
    script = "chmod 711 /opt\n" + "\n".join(
        f"ln -s {plugin.plugin} /opt/{plugin.name}\n"
        f"as='setpriv --reuid {plugin.user} --clear-groups /opt/{plugin.name}'\n"
        f"echo {plugin.name} $($as config | grep -c '[.]label') $($as | grep -c 'value [0-9]')"
        for plugin in plugins
    )
    said = [line.split() for line in database.run(script)]
    assert [name for name, _, _ in said] == [plugin.name for plugin in plugins]
    for name, labels, values in said:
        assert int(labels) == int(values) > 1, name
