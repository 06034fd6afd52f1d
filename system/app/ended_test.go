package app

import (
	"errors"
	"slices"
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/journal/faultfile"
	"greylock/system/link"
	"greylock/system/wire/record"
)

// quitter ends with the fact of its first line of bytes.
type quitter struct{ echo }

func (q *quitter) Receive(_ clock.Instant, _ int, d []byte) {
	q.End("nothing to do", q.Append(record.Alarm{Kind: "received", Subject: string(d)}))
}

func TestEndWaitsForItsAct(t *testing.T) {
	t.Parallel()
	j, _, err := journal.Open(faultfile.New(), journal.Options{Reserve: 4096})
	if err != nil {
		t.Fatal(err)
	}
	d := &fakeDoors{}
	s, err := Open(&quitter{}, j, d, first)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Receive(0, 1, []byte("a")); err != nil || len(d.out) > 0 {
		t.Fatalf("before the flush: %q, %v", d.out, err)
	}
	if err := s.Committed(1, s.Journal().Commit()); err != nil || !slices.Equal(d.out, []string{"end nothing to do"}) {
		t.Errorf("after it: %q, %v", d.out, err)
	}
}

// TestRunEndsByItself: a program whose site has done its work returns ErrEnded, and everything that it said is in its journal.
func TestRunEndsByItself(t *testing.T) {
	t.Parallel()
	disk := faultfile.New()
	p, err := openProgram(Identity{"0001", "x", record.Training}, record.KindStation, disk, nil, nil, 0,
		func(*journal.Journal) (link.Core, error) { return &quitter{}, nil })
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- p.Run(t.Context()) }()
	p.runner.Received(1, []byte("a"))
	select {
	case err = <-ran:
	case <-time.After(time.Minute):
		t.Fatal("it runs on")
	}
	if !errors.Is(err, ErrEnded) {
		t.Errorf("ended with %v", err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	j, _, err := journal.Open(disk, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if seq, _ := j.Head(); seq != 2 {
		t.Errorf("%d records", seq)
	}
}
