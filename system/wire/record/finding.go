package record

import "greylock/system/clock"

// Finding is a stable word for what is wrong with a dispenser's record. A station refuses a record that can not be true, and
// flags one that is doubtful; the center shows the word in quarantine or beside the sale.
type Finding string

// What a station refuses: the content contradicts itself, the layout, or what is in the journal. Source: dispenser.md 3.6, 4.4, 4.5.
const (
	FindLength       Finding = "record-length"     // not 95 bytes
	FindField        Finding = "field-range"       // a value beyond its field
	FindTime         Finding = "time-invalid"      // no moment
	FindCard         Finding = "card-invalid"      // the card's number is no number
	FindPSAM         Finding = "psam-invalid"      // the PSAM's number or TID is no number
	FindProduct      Finding = "product-invalid"   // the product code is no number
	FindType         Finding = "type-unknown"      // T-TYPE above 9
	FindEvent        Finding = "event-with-fuel"   // an event that moves fuel or money
	FindRealm        Finding = "realm-wrong"       // training in production, or the other way round
	FindNoCard       Finding = "card-missing"      // a card sale without a card
	FindNoTTC        Finding = "ttc-zero"          // a card sale without a PSAM number
	FindPrice        Finding = "price-zero"        // fuel for nothing
	FindAmount       Finding = "amount-wrong"      // not volume × price
	FindMeter        Finding = "meter-overlap"     // more than the totalizer has moved: another sale's fuel is in it
	FindRepeated     Finding = "sale-repeated"     // the same sale under another record number
	FindTwice        Finding = "sale-number-twice" // another sale under the same PSAM number
	FindNozzle       Finding = "nozzle-wrong"      // not the nozzle of this port
	FindCrossed      Finding = "crossed-cables"    // the PSAM of another port
	FindMeterJump    Finding = "totalizer-jump"    // flagged from here on: fuel without a record before this one
	FindMeterBack    Finding = "totalizer-back"    // the totalizer went back
	FindPriceUnknown Finding = "price-not-valid"   // no price of that minute. Source: trust.md M14
	FindPriceStale   Finding = "price-stale"       // a price that was no longer valid at authorisation
	FindProductOther Finding = "product-differs"   // not what this nozzle sells
	FindOrder        Finding = "time-order"        // earlier than the record before it
	FindFuture       Finding = "time-future"       // later than now
	FindLate         Finding = "late-beyond-log"   // older than any board's log
	FindTTCOrder     Finding = "ttc-order"         // the PSAM counted back
	FindFlow         Finding = "flow-impossible"   // faster than a pump delivers
	FindFill         Finding = "fill-over-limit"   // more than a vehicle holds
	FindElsewhere    Finding = "psam-elsewhere"    // a PSAM that the layout does not name
)

// findings says each word in Chinese and English, and whether a record is refused for it.
var findings = map[Finding]struct {
	refused bool
	zh, en  string
}{
	FindLength:       {true, "长度不是 95 字节", "not 95 bytes"},
	FindField:        {true, "数值超出字段", "a value beyond its field"},
	FindTime:         {true, "时间不存在", "no such time"},
	FindCard:         {true, "卡号不是数字", "the card number is no number"},
	FindPSAM:         {true, "PSAM 号不是数字", "the PSAM number is no number"},
	FindProduct:      {true, "油品代码不是数字", "the product code is no number"},
	FindType:         {true, "交易类型未知", "unknown type of record"},
	FindEvent:        {true, "事件记录带有油量或金额", "an event with fuel or money"},
	FindRealm:        {true, "教学与生产记录混用", "of the other realm"},
	FindNoCard:       {true, "卡交易没有卡号", "a card sale without a card"},
	FindNoTTC:        {true, "卡交易没有 PSAM 交易序号", "a card sale without a PSAM number"},
	FindPrice:        {true, "有油量而单价为 0", "fuel at a price of 0"},
	FindAmount:       {true, "金额与油量单价不符", "amount is not volume by price"},
	FindMeter:        {true, "油量大于泵码走数: 疑带入别笔油量", "more fuel than the totalizer moved: another sale's fuel is in it"},
	FindRepeated:     {true, "同一笔交易换号重报", "the same sale under another record number"},
	FindTwice:        {true, "同一 PSAM 序号报了另一笔", "another sale under the same PSAM number"},
	FindNozzle:       {true, "枪号不属于该口", "not the nozzle of this port"},
	FindCrossed:      {true, "是另一口的加油机: 接线对调", "the dispenser of another port: cables are crossed"},
	FindMeterJump:    {false, "泵码多走: 之前有油量无记录", "the totalizer is ahead: fuel without a record before it"},
	FindMeterBack:    {false, "泵码倒退", "the totalizer went back"},
	FindPriceUnknown: {false, "单价从未下发", "a price that was never ordered"},
	FindPriceStale:   {false, "单价在授权时已过期", "a price that was no longer valid at authorisation"},
	FindProductOther: {false, "油品不是该枪所售", "not the product of this nozzle"},
	FindOrder:        {false, "时间早于前一条记录", "earlier than the record before it"},
	FindFuture:       {false, "时间晚于现在", "later than now"},
	FindLate:         {false, "迟到超过记录区深度", "older than any board's log"},
	FindTTCOrder:     {false, "PSAM 交易序号倒退", "the PSAM counted back"},
	FindFlow:         {false, "流速超过油泵能力", "faster than a pump delivers"},
	FindFill:         {false, "单笔油量超过车辆限量", "more than a vehicle holds"},
	FindElsewhere:    {false, "PSAM 不在布局中", "a PSAM that the layout does not name"},
}

// Known says that the word is one of the above.
func (f Finding) Known() bool { _, ok := findings[f]; return ok }

// Refused says that a record with this finding is not taken for a sale.
func (f Finding) Refused() bool { return findings[f].refused }

// Words says it in Chinese and English.
func (f Finding) Words() (zh, en string) { w := findings[f]; return w.zh, w.en }

// DispenserRecord is one 32H record taken from a board. Raw is the truth; the other fields place it.
// Its key is (Port, NZN, POSTTC, Time): dispenser.md 4.4.
type DispenserRecord struct {
	TimeMs  int64     `json:"time_ms"` // when the station took it
	Port    int       `json:"port"`
	Nozzle  Nozzle    `json:"nozzle"`
	Epoch   int       `json:"epoch"` // +1 when the board started its POS-TTC again
	POSTTC  uint32    `json:"pos_ttc"`
	Raw     Hex       `json:"raw"` // 95 bytes
	Suspect []Finding `json:"suspect,omitempty"`
	// PriceVersion is the version of the prices by which the fuel was sold; 0 where the record has no fuel, or no version
	// explains its price. Source: trust.md M14.
	PriceVersion uint64 `json:"price_version,omitempty"`
	// BusinessDay is the day of the sale by the station's layout; none for events. Source: design.md 9.4.
	BusinessDay clock.BusinessDay `json:"business_day,omitempty"`
}

// QuarantineResolved says that a person has settled what a record in quarantine means; it moves no money by itself.
type QuarantineResolved struct {
	TimeMs int64  `json:"time_ms"`
	Site   SiteID `json:"site"`
	Seq    uint64 `json:"seq"`
	By     string `json:"by"`
	Note   string `json:"note"`
}

// FactType is the word in the journal.
func (QuarantineResolved) FactType() string { return "quarantine.resolved" }

// RecordConflict is a record with a known key and other bytes: kept, acknowledged, alarmed, never posted.
type RecordConflict struct {
	TimeMs int64  `json:"time_ms"`
	Port   int    `json:"port"`
	POSTTC uint32 `json:"pos_ttc"`
	Raw    Hex    `json:"raw"`
}

// RecordRefused is a record that can not be true: kept with its reason, acknowledged as wrong. Reread says that the board is
// asked for this number again.
type RecordRefused struct {
	TimeMs int64   `json:"time_ms"`
	Port   int     `json:"port"`
	POSTTC uint32  `json:"pos_ttc"`
	Raw    Hex     `json:"raw"`
	Code   Finding `json:"code,omitempty"`
	Reason string  `json:"reason"`
	Reread bool    `json:"reread,omitempty"`
}
