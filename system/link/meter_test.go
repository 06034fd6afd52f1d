package link

import "testing"

// TestMeter: Prometheus' text form: one head per name, labels quoted, buckets that add up, seconds.
func TestMeter(t *testing.T) {
	t.Parallel()
	var m Meter
	m.Gauge("up", "Line open.", 1, "port", "1", "path", "a\"b\\c\nd")
	m.Gauge("up", "Line open.", -1, "port", "2")
	m.Counter("sales_total", "Sales.", 7)
	m.Histogram("sync_seconds", "Sync.", []int64{1, 2500}, []uint64{3, 0, 2}, 5_250_001)
	want := `# HELP up Line open.
# TYPE up gauge
up{port="1",path="a\"b\\c\nd"} 1
up{port="2"} -1
# HELP sales_total Sales.
# TYPE sales_total counter
sales_total 7
# HELP sync_seconds Sync.
# TYPE sync_seconds histogram
sync_seconds_bucket{le="0.001"} 3
sync_seconds_bucket{le="2.5"} 3
sync_seconds_bucket{le="+Inf"} 5
sync_seconds_sum 5.250001
sync_seconds_count 5
`
	if got := m.String(); got != want {
		t.Errorf("%s", got)
	}
	for us, want := range map[uint64]string{0: "0", 10_000_000: "10", 1: "0.000001", 100_000: "0.1"} {
		if got := seconds(us); got != want {
			t.Errorf("%d µs is %s, want %s", us, got, want)
		}
	}
}
