package postgres

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// Options of a Journal. Values of 0 mean the defaults.
type Options struct {
	// Connection is a connection string in the form of a URL or of keywords. Everything else comes
	// from the environment and the files that libpq reads.
	Connection string
	Schema     string // default: DefaultSchema
	// Fleet identifies those who share the schema, such as a cluster of the store and a prefix in
	// it. The schema keeps the first one, and others are refused: see TakeOver. "" = any.
	Fleet   string
	Machine string // the name of this machine
	Version string // of the product, for those who look at the machines
	// Lease is how long after its last sign of life a machine is taken for dead. Default:
	// DefaultLease.
	Lease time.Duration
	Limits
	// Require is what acceptances need: journal.Disk, which is the default, or journal.Replicated.
	Require journal.Durability
}

// Limits may change while a journal is open: see Journal.Configure. Values of 0 mean the defaults.
type Limits struct {
	// How long after its acceptance the record of an ended execution is stored. Default:
	// DefaultRetention.
	Retention  time.Duration
	MaxPending int   // entries that have not ended; default: DefaultMaxPending
	MaxBytes   int64 // of entries, steps, keys and responses; default: DefaultMaxBytes
}

// Defaults of Options.
const (
	DefaultSchema     = "flowtrux"
	DefaultLease      = 30 * time.Second
	DefaultRetention  = 72 * time.Hour
	DefaultMaxPending = 100_000
	DefaultMaxBytes   = 64 << 30
)

// minLease is the shortest lease: a third of it has to be enough for a write.
const minLease = time.Second

var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// CheckSchema checks the name of the schema.
func (o Options) CheckSchema() error {
	if o.Schema != "" && (!schemaName.MatchString(o.Schema) || strings.HasPrefix(o.Schema, "pg_")) {
		return fmt.Errorf("schema %q: want at most 63 lower-case letters, digits and underscores, "+
			"the first one no digit; names that begin with pg_ are the server's own", o.Schema)
	}
	return nil
}

// Check checks everything but the name of the machine. It does not connect.
func (o Options) Check() error {
	if err := o.CheckSchema(); err != nil {
		return err
	}
	if o.Lease != 0 && o.Lease < minLease {
		return fmt.Errorf("lease %s: want at least %s", o.Lease, minLease)
	}
	if o.Require != "" && o.Require != journal.Disk && o.Require != journal.Replicated {
		return fmt.Errorf("require %q: want %s or %s", o.Require, journal.Disk, journal.Replicated)
	}
	_, err := poolConfig(o)
	return err
}

// Location says where the journal is, for people. It has no secret.
func (o Options) Location() string {
	c, err := poolConfig(o)
	if err != nil {
		return "schema " + cmp.Or(o.Schema, DefaultSchema)
	}
	return fmt.Sprintf("database %s of %s, schema %s", c.ConnConfig.Database,
		net.JoinHostPort(c.ConnConfig.Host, strconv.Itoa(int(c.ConnConfig.Port))), cmp.Or(o.Schema, DefaultSchema))
}

// withDefaults checks the options and completes them.
func (o Options) withDefaults() (Options, error) {
	if err := o.Check(); err != nil {
		return o, err
	}
	if o.Machine == "" {
		return o, errors.New("the machine has no name")
	}
	o.Schema = cmp.Or(o.Schema, DefaultSchema)
	o.Lease = cmp.Or(o.Lease, DefaultLease)
	o.Require = cmp.Or(o.Require, journal.Disk)
	return o, nil
}

func (l Limits) withDefaults() *Limits {
	if l.Retention <= 0 {
		l.Retention = DefaultRetention
	}
	if l.MaxPending <= 0 {
		l.MaxPending = DefaultMaxPending
	}
	if l.MaxBytes <= 0 {
		l.MaxBytes = DefaultMaxBytes
	}
	return &l
}
