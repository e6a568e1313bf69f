package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/internal/backoff"
	"github.com/flowtrux/edge/internal/version"
	"github.com/flowtrux/edge/runtime/journal"
)

// localStore is the engine of the store that is of one machine alone.
const localStore = "embedded"

// maxMachine is the most bytes in the name of a machine.
const maxMachine = 64

// checkMachine checks the name of a machine: it is shown in lists and logs.
func checkMachine(name string) error {
	if name == "" || len(name) > maxMachine {
		return fmt.Errorf("machine '%s' has %d characters; want 1 to %d", name, len(name), maxMachine)
	}
	for _, c := range name {
		if c <= ' ' || c > '~' {
			return fmt.Errorf("machine '%s': want printable ASCII without spaces", name)
		}
	}
	return nil
}

// prepareShared prepares the module of a journal that several machines share. Executions that one
// of them accepts run on all, so that all need the same workflows.
func (a *App) prepareShared(m journal.SharedModule) error {
	if a.mirror.Status().Engine == localStore {
		return errors.New("the journal is shared by several machines, and the store is in this one alone: " +
			"use store etcd, or journal bbolt")
	}
	return a.nameMachine(m)
}

// nameMachine tells the module of a journal that is shared which machine this is.
func (a *App) nameMachine(m journal.SharedModule) error {
	name := a.Machine
	if name == "" {
		var err error
		if name, err = os.Hostname(); err != nil {
			return fmt.Errorf("the host has no name; set the option machine: %w", err)
		}
	}
	if err := checkMachine(name); err != nil {
		return err
	}
	m.SetMachine(name, version.Version())
	return nil
}

// Of finding out which fleet this machine belongs to.
const (
	fleetWait  = 2 * time.Second // when a config starts
	fleetPause = 5 * time.Second // between later attempts, while the store is away
)

// joinFleet tells a journal that is shared which store this machine uses: all machines that share
// the one share the other. While the store is away, it is tried again later.
func (a *App) joinFleet(ctx context.Context) error {
	if a.sharing == nil {
		return nil
	}
	soon, cancel := context.WithTimeout(ctx, fleetWait)
	defer cancel()
	fleet, err := a.mirror.Cluster(soon)
	if err == nil {
		if err := a.sharing.Belong(ctx, fleet); !errors.Is(err, journal.ErrUnavailable) {
			return err
		}
	}
	later, stop := context.WithCancel(context.WithoutCancel(ctx))
	var joining sync.WaitGroup
	joining.Go(func() { a.joinFleetLater(later) })
	a.life.onEnd(func() error {
		stop()
		joining.Wait()
		return nil
	})
	return nil
}

func (a *App) joinFleetLater(ctx context.Context) {
	for backoff.Sleep(ctx, fleetPause) == nil {
		fleet, err := a.mirror.Cluster(ctx)
		if err == nil {
			err = a.sharing.Belong(ctx, fleet)
		}
		if err == nil {
			return
		}
		if errors.Is(err, journal.ErrForeign) {
			a.logger.Error("the journal belongs to another fleet", zap.Error(err))
			return
		}
	}
}

// durability is what an accepted execution survives at the moment.
func (a *App) durability() journal.Durability {
	if a.sharing != nil {
		return a.sharing.CheckedDurability()
	}
	return a.journal.Durability()
}

// machinesWait bounds the reading of the machines for the status.
const machinesWait = time.Second

// machines returns the machines that share the journal, nil if they are not known, and warnings
// about them.
func (a *App) machines(ctx context.Context) ([]adminapi.MachineStatus, []adminapi.Trouble) {
	if a.sharing == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, machinesWait)
	defer cancel()
	all, err := a.sharing.Machines(ctx)
	if err != nil {
		return nil, nil
	}
	out := make([]adminapi.MachineStatus, len(all))
	for i, m := range all {
		out[i] = adminapi.MachineStatus{Name: m.Name, Version: m.Version, Self: m.Self, LastSeen: m.LastSeen.UTC(), Claims: m.Claims}
	}
	return out, slices.Concat(sameNames(out), differences(all))
}

// idClock is the clock of new ids: machines that share a journal have one; nil = that of this
// machine.
func (a *App) idClock() func() time.Time {
	if a.sharing == nil {
		return nil
	}
	return a.sharing.Now
}

// sharedWarnings returns what the journal that is shared warns of.
func (a *App) sharedWarnings(ofMachines []adminapi.Trouble) (warnings []adminapi.Trouble) {
	if a.sharing == nil {
		return nil
	}
	for _, w := range a.sharing.Warnings() {
		warnings = append(warnings, adminapi.Trouble{Where: "journal", Reason: w})
	}
	return append(warnings, ofMachines...)
}

// sameNames returns a warning for each name that several machines have.
func sameNames(machines []adminapi.MachineStatus) (warnings []adminapi.Trouble) {
	count := make(map[string]int)
	for _, m := range machines {
		if count[m.Name]++; count[m.Name] == 2 {
			warnings = append(warnings, adminapi.Trouble{
				Where: "journal", Reason: fmt.Sprintf("several machines have the name %s; set the option machine of each", m.Name),
			})
		}
	}
	return warnings
}
