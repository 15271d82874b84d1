"""The box: real Debian machines under systemd-nspawn that play the EC2 instances of the local AWS."""
