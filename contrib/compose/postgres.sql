-- What the edges need in contrib/compose.yml. The image runs it once, when the volume is new.
\set password `cat /run/secrets/postgres`

-- The role of the edges. It can do what it likes in its own database, and nothing in others.
create role edge login password :'password';
create database flowtrux owner edge;

-- Whether a standby confirms what is written: `status` shows it, and `require replicated` needs it.
grant pg_read_all_stats to edge;

-- Nobody logs in as the superuser through the network.
alter role current_user password null;
