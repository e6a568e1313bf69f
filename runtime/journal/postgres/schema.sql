-- Version 1. {s} is the schema. Texts that sort as ids do are of collation "C".

create table {s}.meta (
	only_row boolean primary key default true check (only_row),
	version  integer not null,
	made     text,                           -- by which steps, see digestOf
	shape    text[],                         -- see readShape
	fleet    text,                           -- whose it is; null: nobody has said so
	seal     jsonb                           -- as what it was exported; null: it was not
);

create table {s}.machines (
	incarnation bigint primary key,          -- random: a promoted standby may not know the latest
	name        text not null,
	version     text not null,
	process     text not null,               -- see process in machine.go
	config      text not null default '',    -- JSON, see Describe; empty: it has not said yet
	started     timestamptz not null default clock_timestamp(),
	seen        timestamptz not null default clock_timestamp(),
	until       timestamptz not null,
	ended       timestamptz                  -- null: it lives
);
create index machines_ended on {s}.machines (ended);

create table {s}.lacks (                 -- which machine cannot run which document
	document    bytea not null,              -- SHA-256 of its text
	incarnation bigint not null,
	primary key (document, incarnation)
);
create index lacks_incarnation on {s}.lacks (incarnation);

create table {s}.keys (
	key      bytea primary key,              -- SHA-256 of workflow and text
	workflow text not null,
	digest   bytea not null,
	until    timestamptz not null,
	id       text not null,
	holder   bigint,                         -- the incarnation that frees it with its end
	response bytea,                          -- null: the execution runs; empty: it was evicted
	stored   bigint not null                 -- the order in which responses were stored
);
create index keys_until on {s}.keys (until);
create index keys_holder on {s}.keys (holder) where holder is not null;
create index keys_stored on {s}.keys (workflow, stored) where length(response) > 0;

create table {s}.entries (
	hour        integer not null,
	id          text collate "C" not null,
	origin      bigint not null,             -- the incarnation that accepted it; 0: recorded later
	seq         bigint not null,             -- its number there
	workflow    text not null,
	revision    bigint not null,
	document    bytea not null,              -- SHA-256 of the text in documents
	accepted    bigint not null,             -- nanoseconds since 1970, as the other times
	received    bigint not null,
	replay_of   text not null,
	source      text not null,
	method      text not null,
	client_ip   text not null,
	data        bytea not null,
	query       bytea not null,
	headers     bytea not null,
	trace       bytea,                       -- its place in a trace, see the package tracebytes; null: none
	primary key (id, hour)
) partition by list (hour);

create table {s}.documents (
	hour   integer not null,
	digest bytea not null,
	text   bytea not null,
	primary key (digest, hour)
) partition by list (hour);

create table {s}.pending (
	hour      integer not null,
	id        text collate "C" not null,
	origin    bigint not null,
	seq       bigint not null,
	workflow  text not null,
	accepted  bigint not null,
	placed    timestamptz not null default clock_timestamp(),
	bytes     bigint not null,
	holder    bigint,                        -- an incarnation; null: nobody works on it
	run       integer not null default 0,    -- how often it was claimed
	begun     boolean not null default false,
	began     bigint,                        -- when the first run began; null: it is not known yet
	cancelled boolean not null default false,
	returned  boolean not null default false,
	deaths    integer not null default 0,
	due       timestamptz,                   -- null: at once
	primary key (id, hour)
) partition by list (hour);
create index pending_seq on {s}.pending (origin, seq);
create index pending_returned on {s}.pending (placed) where returned;

create table {s}.steps (
	hour   integer not null,
	id     text collate "C" not null,
	node   text not null,
	seq    bigint not null,
	handle text not null,
	output bytea not null,
	machine text not null default '',        -- which ran the node; empty: it is not known
	primary key (id, node, hour)
) partition by list (hour);

create table {s}.records (
	hour     integer not null,
	id       text collate "C" not null,
	workflow text not null,
	status   text not null,
	source   text not null,
	holder   bigint,                         -- with run: the lease that ended it
	run      integer,
	summary  bytea not null,
	details  bytea not null,
	primary key (id, hour)
) partition by list (hour);
create index records_list on {s}.records (workflow, status, id);
create index records_failed on {s}.records (status, id) where status <> 'succeeded';
create index records_source on {s}.records (source, id) where source <> '';

create table {s}.counts (
	key   bytea primary key,                 -- see the package counts
	hour  integer not null,                  -- after which it is of no use
	value bytea not null
);
create index counts_hour on {s}.counts (hour);

-- How far each move has come that the journal has taken part of, see Import.
create table {s}.moves (
	move            text primary key,
	place           text collate "C" not null default '',
	keys_stored     bigint not null default 0,
	keys_present    bigint not null default 0,
	keys_expired    bigint not null default 0,
	records_stored  bigint not null default 0,
	records_present bigint not null default 0,
	records_expired bigint not null default 0,
	pending_stored  bigint not null default 0,
	pending_present bigint not null default 0
);

insert into {s}.meta (version) values (1);
