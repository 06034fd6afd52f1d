package center

import (
	"encoding/json"
	"testing"

	"greylock/system/link"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// BenchmarkPosting takes batches of 500 sales through the core: JSON of the exchange, chain, T-MAC, TAC, PSAM-TAC, posting,
// acts in memory. It reports verified records posted per second on one core.
func BenchmarkPosting(b *testing.B) {
	const size = 500
	r := newRig(b)
	s := r.sites[station]
	var bodies [][]byte
	n := 0
	for range (b.N + size - 1) / size {
		var facts []record.Fact
		for range size {
			l := r.lock(n%9, 30000, pboc.CTC(n/9), pboc.PSAMTTC(n+1))
			l.time = fa.StampOf(start.Civil())
			facts = append(facts, fact(l.record(fa.Fuelling, uint32(n+1), 100, 785, unit.Totalizer(100*(n+1)))))
			n++
		}
		body, err := json.Marshal(s.batch(b, facts...))
		if err != nil {
			b.Fatal(err)
		}
		bodies = append(bodies, body)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i, body := range bodies {
		r.core.Serve(start, uint64(i), record.PathBatch, body)
		fx := r.core.Take()
		for _, a := range fx.Acts {
			r.apply(b, a)
		}
	}
	b.StopTimer()
	if r.core.books.nSales != n || r.core.books.nQuarantine != 0 {
		b.Fatalf("%d posted of %d, %d in quarantine", r.core.books.nSales, n, r.core.books.nQuarantine)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}

func (r *rig) apply(b *testing.B, a link.Act) {
	for _, f := range a.Facts {
		line, err := record.Encode(f) // what the journal stores
		if err != nil {
			b.Fatal(err)
		}
		r.lines = append(r.lines, string(line))
		r.core.Apply(uint64(len(r.lines)), f)
	}
	r.core.Durable(start, a.ID)
}
