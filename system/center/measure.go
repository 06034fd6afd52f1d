package center

import (
	"greylock/system/clock"
	"greylock/system/link"
)

var _ link.Measured = (*Core)(nil)

// Measure tells a monitor how the center stands. Source: features.md P6.
func (c *Core) Measure(_ clock.Instant, m *link.Meter) {
	m.Gauge("greylock_sites", "Registered sites.", int64(len(c.books.sites.own)))
	for _, id := range sorted(&c.books.sites) {
		m.Counter("greylock_site_records_total", "Journal records of a site that are here.", c.intake.Mark(id).Seq, "site", string(id))
	}
	m.Counter("greylock_sales_total", "Sales in the books.", uint64(c.books.nSales))
	m.Gauge("greylock_quarantine", "Records that are not posted.", int64(c.books.nQuarantine-c.books.nResolved))
	m.Gauge("greylock_alarms_open", "Alarms that nobody has acknowledged.", int64(c.shown.alarms.OpenCases()))
	m.Gauge("greylock_requests_waiting", "Requests that wait for the act under way.", int64(len(c.queue)))
}

// Unready: a center that runs can work.
func (c *Core) Unready(clock.Instant) []string { return nil }
