"""OSSEC's options: what its documentation names passes, everything else is named."""

# ruff: noqa: E501  a table reads best with one case a line

import pytest

from .ossec import options, problems

OSSEC = "/var/ossec/etc/ossec.conf"
SHARED = "/var/ossec/etc/shared/agent.conf"
AGENT = "<ossec_config><client><server-ip>192.0.2.1</server-ip></client>{}</ossec_config>"
MANAGER = "<ossec_config>{}</ossec_config>"
LOG = "<localfile><log_format>syslog</log_format><location>/var/log/auth.log</location></localfile>"


def test_a_whole_agent() -> None:
    content = """<!-- agent -->
    <ossec_config>
      <client><server-hostname>hub.example</server-hostname><port>1514</port><notify_time>600</notify_time></client>
      <syscheck>
        <frequency>79200</frequency>
        <directories check_all="yes" report_changes="no">/etc,/usr/bin</directories>
        <ignore>/etc/mtab</ignore><ignore type="sregex">^/srv/cache/</ignore><nodiff>/etc/ssl/private</nodiff>
        <scan_day>sunday</scan_day><scan_time>3:30</scan_time>
      </syscheck>
      <rootcheck><rootkit_files>/var/ossec/etc/shared/rootkit_files.txt</rootkit_files><frequency>36000</frequency></rootcheck>
      <localfile><log_format>full_command</log_format><command>last -n 5</command><frequency>360</frequency></localfile>
      <active-response><repeated_offenders>30,60,120</repeated_offenders></active-response>
    </ossec_config>
    <ossec_config><localfile><log_format>multi-line: 3</log_format><location>/var/log/x</location></localfile></ossec_config>
    """
    assert problems(OSSEC, content.encode()) == []


def test_a_whole_manager() -> None:
    content = """<ossec_config>
      <global><email_notification>no</email_notification><white_list>127.0.0.1</white_list>
        <white_list>198.51.100.0/24</white_list><white_list>2001:db8::1</white_list></global>
      <rules><include>rules_config.xml</include><list>rules/lists/a</list><rule_dir pattern="_rules.xml$">rules</rule_dir></rules>
      <alerts><log_alert_level>1</log_alert_level><email_alert_level>7</email_alert_level></alerts>
      <remote><connection>secure</connection><port>1514</port><allowed-ips>192.0.2.0/24</allowed-ips></remote>
      <command><name>drop</name><executable>firewall-drop.sh</executable><expect>srcip</expect>
        <timeout_allowed>yes</timeout_allowed></command>
      <command><name>restart</name><executable>restart-ossec.sh</executable><expect></expect></command>
      <active-response><command>drop</command><location>local</location><rules_id>5712,5720</rules_id>
        <timeout>600</timeout></active-response>
      <email_alerts><email_to>ops@provider.example</email_to><level>10</level><do_not_delay /></email_alerts>
    </ossec_config>"""
    assert problems(OSSEC, content.encode()) == []


def test_a_whole_shared_file() -> None:
    assert problems(SHARED, f'<agent_config os="Linux">{LOG}</agent_config><agent_config/>'.encode()) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<ossec_config>", "not XML"),
        ("", "no ossec_config in it"),
        ("<osec_config/>", "osec_config: not known here"),
        (AGENT.format("<syschek/>"), "syschek: no such section"),
        (AGENT.format("<syscheck><frequence>1</frequence></syscheck>"), "syscheck: frequence: no such option"),
        (AGENT.format("<syscheck><frequency>daily</frequency></syscheck>"), "syscheck: frequency: 'daily' is not number"),
        (AGENT.format("<syscheck><frequency> 60 </frequency></syscheck>"), "syscheck: frequency: ' 60 ' is not number"),
        (AGENT.format("<syscheck><scan_on_start>true</scan_on_start></syscheck>"), "'true' is not yes_no"),
        (AGENT.format('<syscheck><directories check_al="yes">/etc</directories></syscheck>'), "check_al: no such attribute"),
        (AGENT.format('<syscheck><directories realtime="1">/etc</directories></syscheck>'), "realtime: '1' is not yes_no"),
        (AGENT.format("<syscheck><directories>etc</directories></syscheck>"), "directories: 'etc' is not paths"),
        (AGENT.format('<syscheck><ignore type="regex">x</ignore></syscheck>'), "ignore: type: 'regex' is not sregex"),
        (AGENT.format("<syscheck><ignore><a/></ignore></syscheck>"), "syscheck: ignore: a: nothing belongs inside"),
        (AGENT.format("<syscheck><scan_day>Funday</scan_day></syscheck>"), "'Funday' is not day"),
        (AGENT.format("<rootcheck><scanall>maybe</scanall></rootcheck>"), "'maybe' is not yes_no"),
        (AGENT.format("<localfile><location>/x</location></localfile>"), "localfile: log_format is missing"),
        (AGENT.format("<localfile><log_format>syslog</log_format></localfile>"), "one of location, command is missing"),
        (AGENT.format("<localfile><log_format>nginx</log_format><location>/x</location></localfile>"), "'nginx' is not log_format"),
        (AGENT.format("<global><white_list>127.0.0.1</white_list></global>"), "global: not read in agent"),
        (AGENT.format("<client><port>70000</port></client>"), "port: '70000' is not port"),
        (AGENT.format("<client><port>1514</port></client>"), "client: one of server-ip, server-hostname is missing"),
        (AGENT.format("<active-response><repeated_offenders>1,2,3,4,5,6</repeated_offenders></active-response>"), "is not minutes"),
        (MANAGER.format("<global><white_list>one two</white_list></global>"), "'one two' is not network"),
        (MANAGER.format("<global><whitelist>127.0.0.1</whitelist></global>"), "global: whitelist: no such option"),
        (MANAGER.format("<alerts><log_alert_level>17</log_alert_level></alerts>"), "'17' is not alert_level"),
        (MANAGER.format("<remote><port>1514</port></remote>"), "remote: connection is missing"),
        (MANAGER.format("<remote><connection>tls</connection></remote>"), "'tls' is not connection"),
        (MANAGER.format("<remote><connection>secure</connection><deny-ips>192.0.2.1</deny-ips></remote>"), "deny-ips: no such"),
        (MANAGER.format("<command><name>x</name><executable>/bin/x</executable></command>"), "command: expect is missing"),
        (MANAGER.format("<command><name>x</name><executable>/bin/x</executable><expect/></command>"), "is not file_name"),
        (MANAGER.format("<active-response><location>here</location></active-response>"), "'here' is not ar_location"),
        (MANAGER.format("<email_alerts><level>7</level></email_alerts>"), "email_alerts: email_to is missing"),
        (MANAGER.format("<rules><include>a.txt</include></rules>"), "'a.txt' is not file_in_rules"),
        (MANAGER.format("<rules><include>php_rules.xml</include></rules>"), "php_rules.xml needs apache_rules.xml, nginx_rules.xml before it"),
        (MANAGER.format("<rules><include>local_rules.xml</include><include>sshd_rules.xml</include></rules>"), "local_rules.xml needs sshd_rules.xml"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(content: str, said: str) -> None:
    found = problems(OSSEC, content.encode())
    assert any(said in line for line in found), found


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (MANAGER.format(LOG), "ossec_config: not known here, agent_config is"),
        ("<agent_config><client/></agent_config>", "client: not read in agent.conf"),
        ('<agent_config host="a"/>', "host: no such attribute"),
        (
            "<agent_config><localfile><log_format>command</log_format><command>ls</command></localfile></agent_config>",
            "commands are refused in agent.conf",
        ),
    ],
)
def test_what_is_wrong_in_the_shared_file_is_said(content: str, said: str) -> None:
    found = problems(SHARED, content.encode())
    assert any(said in line for line in found), found


def test_every_option_has_a_known_kind() -> None:
    known = options()
    for section in known["sections"].values():
        assert set(section) <= {"where", "shared", "required", "any_of", "elements"}
        assert set(section["where"]) <= {"agent", "manager"}
        for rule in section["elements"].values():
            kinds = [rule["value"], *rule["attributes"].values()] if isinstance(rule, dict) else [rule]
            assert set(kinds) <= set(known["kinds"])
        for name in (*section.get("required", ()), *section.get("any_of", ())):
            assert name in section["elements"]
