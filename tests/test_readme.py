"""What the README shows is what happens."""

import re
import subprocess
import sys


def test_the_messages_it_shows(inputs, root):
    shown = re.search(r"```text\n(.*?)```", (root / "README.md").read_text(), re.DOTALL).group(1).splitlines()
    path = inputs / "stacks" / "Pulumi.example.yaml"
    text = path.read_text()
    assert "192.0.2.0/28" in text
    assert "[nginx, php, redis, percona]" in text
    path.write_text(text.replace("192.0.2.0/28", "192.0.2.1/28").replace("[nginx, php,", "[ngnix, php,"))
    done = subprocess.run(
        [sys.executable, "-m", "managed_server.cli", "check", "example", "--root", inputs],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines() == shown


def test_the_targets_it_names(root):
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), re.MULTILINE))
    for document in [root / "README.md", *(root / "docs").glob("*.md")]:
        named = set(re.findall(r"`make ([a-z]+)", document.read_text()))
        assert named <= targets, document


def test_the_files_it_links(root):
    for document in [root / "README.md", *(root / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
            if "://" not in link:
                assert (document.parent / link).exists(), (document, link)
