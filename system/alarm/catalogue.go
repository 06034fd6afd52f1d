// Package alarm knows the kinds of alarm, what each asks of whom, and keeps the one list of a site or of the center: repeated
// alarms of one subject are one case, which somebody acknowledges. It is bookkeeping without I/O.
package alarm

// Severity says how long an alarm may wait.
type Severity string

// The severities.
const (
	Critical Severity = "critical" // 严重: now, selling or money is at stake
	Warning  Severity = "warning"  // 警告: in this shift
	Notice   Severity = "notice"   // 提示: good to know
)

// Words says it in Chinese and English.
func (s Severity) Words() (zh, en string) {
	switch s {
	case Critical:
		return "严重", "critical"
	case Warning:
		return "警告", "warning"
	}
	return "提示", "notice"
}

// Owner is the role that has to act.
type Owner string

// The owners.
const (
	Attendant   Owner = "attendant"   // 当班员工
	Manager     Owner = "manager"     // 站长
	Maintenance Owner = "maintenance" // 维修
	Desk        Owner = "desk"        // 网点
	Duty        Owner = "center"      // 中心值班
	Risk        Owner = "risk"        // 中心风控
)

// Words says it in Chinese and English.
func (o Owner) Words() (zh, en string) {
	switch o {
	case Attendant:
		return "当班员工", "attendant"
	case Manager:
		return "站长", "station manager"
	case Maintenance:
		return "维修", "maintenance"
	case Desk:
		return "网点", "issuing desk"
	case Duty:
		return "中心值班", "center on duty"
	}
	return "中心风控", "risk control"
}

// Advice is what a kind of alarm asks: how urgent, of whom, and what to do.
type Advice struct {
	Severity Severity
	Owner    Owner
	Zh, En   string
}

// Of returns the advice of a kind. One that is not in the catalogue, from a newer program, is a warning for the manager.
func Of(kind string) Advice {
	if a, ok := catalogue[kind]; ok {
		return a
	}
	return Advice{Warning, Manager, "本版本不认识这类告警: 按说明处理, 并升级程序", "this version does not know the kind: go by its text, and update the program"}
}

// Known says that a kind is in the catalogue.
func Known(kind string) bool { _, ok := catalogue[kind]; return ok }

// catalogue holds every kind that a program of the system raises; a test looks through the source for others.
var catalogue = map[string]Advice{
	// the forecourt's lines and boards
	"line-lost":       {Warning, Maintenance, "检查集线器供电和该口连线; 恢复后自动续传", "check the hub's power and the cable; it goes on by itself"},
	"line-echo":       {Warning, Maintenance, "收发线短路或接反: 检查该口接线", "TX and RX are joined: check the wiring of this port"},
	"board-offline":   {Warning, Attendant, "看加油机是否有电; 有电则报修, 记录存在机内不会丢", "see that the dispenser has power; if it has, call maintenance: its records are safe inside"},
	"board-fault":     {Warning, Maintenance, "按加油机报告的故障代码报修", "have it repaired by the code that the dispenser reports"},
	"service-card":    {Notice, Manager, "有人用维修卡: 核对是否有维修安排", "a maintenance card is in use: was somebody called?"},
	"board-replaced":  {Critical, Manager, "核对是否换过主板: 是则抄表登记泵码, 否则停用该枪并上报", "was the board replaced? if so, write down the totalizer; if not, close the nozzle and report it"},
	"frame-malformed": {Notice, Maintenance, "偶发可不理; 反复出现时升级该加油机程序", "now and then it does not matter; if it goes on, update the dispenser's program"},
	"order-broken":    {Critical, Duty, "中心下发的布局或价格有误: 中心改正后重发", "the layout or prices of the center are wrong: the center corrects and orders again"},
	"crossed-cables":  {Critical, Maintenance, "两口接线对调: 停用两枪, 按口号改正接线, 记录会自动重传", "two cables are swapped: close both nozzles, put the cables right; the records come again"},

	// tanks
	"gauge-offline":  {Warning, Attendant, "看液位仪供电和连线; 恢复前每班人工量油 (station tank dip)", "look at the gauge's power and cable; dip by hand each shift until it is back (station tank dip)"},
	"gauge-strange":  {Notice, Maintenance, "偶发可不理; 反复出现时查液位仪线路和设置 (公制, 电脑格式)", "now and then it does not matter; if it goes on, look at the gauge's line and settings (metric, computer format)"},
	"gauge-alarm":    {Warning, Maintenance, "按液位仪显示处理; 探棒故障期间人工量油", "do what the gauge asks; dip by hand while a probe is out"},
	"gauge-stuck":    {Warning, Maintenance, "浮子卡住: 人工量油核对, 报修探棒", "the float sticks: dip by hand, have the probe repaired"},
	"tank-water":     {Critical, Manager, "停售该罐的枪, 量水复核, 排水后再开", "close the tank's nozzles, check the water by hand, drain it before they open"},
	"tank-reorder":   {Warning, Manager, "订油: 按近日销量算到货时间", "order fuel: by the sales of these days"},
	"tank-leak":      {Critical, Manager, "未出油而油少: 停罐, 人工量油复核, 查漏并上报", "less fuel while none was drawn: close the tank, dip by hand, look for a leak, report it"},
	"tank-loss":      {Critical, Manager, "油量短少超限: 人工量油, 查漏油、失窃、枪的计量", "too much is missing: dip by hand, look for a leak, theft, the nozzles' meters"},
	"tank-gain":      {Warning, Manager, "油量多出超限: 查未登记的进油、枪的计量是否偏少", "too much is there: a delivery not noted, or a meter that shows more than it gives?"},
	"nozzle-drift":   {Warning, Manager, "枪与油罐长期不符: 用标准罐检定该枪, 查铅封", "meter and tank differ for long: have the nozzle tested, look at its seals"},
	"delivery-short": {Critical, Manager, "实收少于单据: 请司机复核罐车余油, 签认差额, 报中心", "less came than the note says: check the truck for rest, have the driver sign, tell the center"},

	// power
	"on-battery":  {Critical, Attendant, "请顾客加完在加的, 新顾客稍候; 看总闸与 UPS; 来电后自动恢复", "let customers finish, ask new ones to wait; look at the main switch and the UPS; it goes on by itself when the mains are back"},
	"battery-low": {Critical, Attendant, "站控即将自动关闭; 来电后 UPS 与电脑自动启动, 未完的单会自动续办", "the station ends by itself now; UPS and computer start when the mains are back, and what is open is settled"},
	"ups-offline": {Warning, Maintenance, "查 UPS 开关、串口线与 station.ups; 修好前停电会突然断电", "look at the UPS's switch, its serial cable and station.ups; until then a power cut comes as a shock"},
	"ups-strange": {Notice, Maintenance, "偶发可不理; 反复出现时查串口线与波特率 (2400)", "now and then it does not matter; if it goes on, look at cable and baud rate (2400)"},
	"ups-fault":   {Critical, Maintenance, "UPS 自报故障: 尽快检修", "the UPS calls itself broken: have it repaired soon"},
	"ups-weak":    {Warning, Maintenance, "刚停过电则等充满; 否则更换电池", "after a power cut let it charge; else the battery wants replacing"},
	"ups-order":   {Warning, Manager, "UPS 不听命令: 来电后到场开机; 查 UPS 型号是否支持", "the UPS does not obey: go and switch the computer on when the mains are back; does this model know the order?"},

	// prices
	"price-missing":       {Critical, Attendant, "该枪未确认新价, 已停用: 查通讯; 确认后自动开枪", "the nozzle has not acknowledged its prices and is closed: look at the line; it opens by itself once it has"},
	"price-unreached":     {Critical, Attendant, "该枪断线, 停不了, 仍按旧价售油: 挂停用牌或切断电源, 接好通讯, 确认新价后自动恢复", "the nozzle is off line, can not be closed and sells at its old price: close it by hand or cut its power, mend the line; it goes on by itself once it has the new prices"},
	"price-self-approval": {Warning, Risk, "有人想批准自己提出的调价: 查是否误操作", "somebody tried to approve an own change of prices: a slip, or worse?"},
	"price-stale":         {Critical, Manager, "按过期或未下发的单价售油: 核对小票, 查该枪油价版本 (station prices)", "sold at an outdated or unknown price: compare the receipt, look at the nozzle's version (station prices)"},
	// plain dispensers, and the emergency stop
	"unauthorised-flow": {Critical, Attendant, "到枪前查看: 有人手动加油则收款登记, 无人则停枪报修", "go and look: somebody fuels by hand? take the money and note it; nobody? close the nozzle, call maintenance"},
	"valve-not-stopped": {Critical, Attendant, "立即拉下该枪电源, 疏散, 再报修", "cut the nozzle's power at once, clear the place, then call maintenance"},
	"board-rebooted":    {Notice, Maintenance, "偶发可不理; 反复出现查供电", "now and then it does not matter; if it goes on, look at the power"},
	"frames-strange":    {Warning, Maintenance, "查该口接线、波特率和枪号", "check wiring, baud rate and nozzle numbers of this port"},
	"nozzle-locked":     {Critical, Manager, "该枪已停: 两人抄表核对泵码后用 station nozzle unlock 解锁", "the nozzle is out of use: two persons compare its totals, then unlock it with station nozzle unlock"},
	"sale-in-doubt":     {Critical, Manager, "油量有疑问: 两人抄表核对, 中心在隔离区处理", "figures of a delivery in doubt: two persons compare the totals, the center decides in quarantine"},
	"contactor-offline": {Critical, Maintenance, "卡机的紧急停机无效: 查接触器板供电和连线; 修好前停机须手动断电", "card dispensers can not be stopped from here: check the board's power and cable; until then cut their power by hand"},
	"contactor-failed":  {Critical, Maintenance, "接触器不动作: 报修", "a contactor does not move: call maintenance"},
	"contactor-fell":    {Warning, Maintenance, "查接触器板供电, 是否有人手动操作", "look at the board's power; did somebody switch by hand?"},
	"contactor-strange": {Warning, Maintenance, "查接触器板的地址、线圈号和接线", "check the board's address, coil numbers and wiring"},
	"stop-recalled":     {Critical, Manager, "程序退出前可能有人紧急停机: 到现场确认安全后用 station release 恢复", "somebody may have ordered a stop before the program ended: look at the place, then station release"},
	"emergency-stop":    {Critical, Manager, "确认现场安全后用 station release 恢复", "when the place is safe, take the nozzles back with station release"},

	// records of dispensers
	"record-refused":  {Critical, Manager, "该记录未入账, 原文已保存: 凭小票与顾客核对, 由中心隔离区处理", "the record is kept but not booked: compare it with the receipt; the center decides in quarantine"},
	"record-conflict": {Critical, Manager, "同号两份内容: 两份都已保存, 凭小票核对, 由中心裁定", "two contents under one number, both kept: compare with the receipt; the center decides"},
	"record-suspect":  {Warning, Manager, "记录已收, 但有疑点: 核对泵码、单价和时间", "the record is taken but doubtful: check totalizer, price and time"},
	"totalizer-jump":  {Critical, Manager, "泵码多走: 查是否有未上传或手动加油, 抄表核对", "the totalizer is ahead: look for fuel without a record, read the meter"},
	"totalizer-back":  {Critical, Manager, "泵码倒退: 停用该枪, 抄表, 报计量检定", "the totalizer went back: close the nozzle, read the meter, report it to metrology"},
	"till-figures":    {Critical, Manager, "站级终端的油量须两人确认: 读泵码, 两人签认", "two persons must confirm the till's figures: read the totalizer, both sign"},

	// the exchange with the center
	"exchange-quarantine": {Critical, Duty, "中心不收本站日志: 中心与本站核对日志链", "the center does not take this journal: compare the chains"},
	"directive-refused":   {Critical, Duty, "中心指令未生效 (签名或版本): 核对中心公钥后重发", "an order was not taken (signature or version): check the center's key, order again"},
	"batch-refused":       {Critical, Duty, "站点日志与中心不接: 查该站是否恢复过旧备份", "a site's journal does not continue: was an old backup restored there?"},

	// cards, PSAMs and money at the center
	"ttc-gap":                    {Warning, Duty, "PSAM 交易序号缺号: 等补传; 隔日仍缺则派人查该枪", "PSAM numbers are missing: wait for late records; if they stay away, send somebody"},
	"price-unknown":              {Critical, Duty, "用了从未下发的单价: 查该枪油价, 重发价格表", "a price that was never ordered: check the nozzle's price, order the table again"},
	"balance-above-books":        {Critical, Risk, "卡上钱多于账面: 疑复制或回滚, 列入黑名单并约见持卡人", "the card has more than the books: copied or rolled back? blacklist it and see the holder"},
	"online-gap":                 {Critical, Risk, "卡联机序号有缺口: 查有无未经中心的圈存", "the card's online numbers have a gap: look for a load without the center"},
	"card-sequence":              {Critical, Risk, "卡联机序号倒退: 疑复制或回滚, 列入黑名单", "the card's online number went back: copied or rolled back? blacklist it"},
	"load-after-void":            {Critical, Risk, "已撤销的圈存又出现凭证: 核对该卡与账户", "a proof of a load that was voided: check card and account"},
	"unload-after-void":          {Critical, Risk, "已撤销的圈提又出现凭证: 核对该卡与账户", "a proof of an unload that was voided: check card and account"},
	"settled-twice":              {Critical, Duty, "一笔可能扣款两次: 核对该卡流水, 多扣则退款", "a sale may be debited twice: check the card's log, pay back what is too much"},
	"forced-unlock":              {Warning, Risk, "有一次强制解灰: 复核两位经办人与理由", "a card was unlocked by force: review both persons and the reason"},
	"record-after-forced-unlock": {Critical, Risk, "强制解灰后记录到了: 向持卡人追收欠款", "the record came after a forced unlock: collect what is owed"},
	"proof-flood":                {Critical, Risk, "同一锁有多份互相矛盾的凭据: 查来源站点, 疑伪造", "too many proofs of one lock that differ: look at the site they come from, forged?"},
	"load-tac":                   {Critical, Desk, "圈存凭证被中心拒绝: 留卡号, 联系中心", "the center refused the proof of a load: note the card, call the center"},
	"unload-tac":                 {Critical, Desk, "圈提凭证被中心拒绝: 留卡号, 联系中心", "the center refused the proof of an unload: note the card, call the center"},
	"load-unproven":              {Warning, Desk, "圈存结果无凭证: 由中心核对余额后了结", "no proof of the load is left: the center compares balances and settles it"},
	"unload-unproven":            {Warning, Desk, "圈提结果无凭证: 由中心核对余额后了结", "no proof of the unload is left: the center compares balances and settles it"},

	// records in quarantine at the center, by reason
	"figures-in-doubt":  {Critical, Duty, "加油机记录与泵码不符: 与该站核对两人抄表结果", "register and totals contradict each other: ask the station what two persons have read"},
	"malformed":         {Critical, Duty, "格式不合规: 与该站核对原文", "no valid record: look at the raw bytes with the station"},
	"station-unknown":   {Critical, Risk, "记录来自非加油站: 查来源", "a record from a site that is no station: look who sent it"},
	"tmac-wrong":        {Critical, Duty, "T-MAC 不符: 由该站用 3EH 重读; 仍不符则查线路和主板", "T-MAC wrong: re-read it; if it stays wrong, look at line and board"},
	"realm-wrong":       {Critical, Duty, "教学与正式混用: 停用该枪", "of the other realm: close the nozzle"},
	"unknown-psam":      {Critical, Risk, "PSAM 未登记: 停用该枪, 查 PSAM 来源", "unknown PSAM: close the nozzle, find out where the PSAM is from"},
	"psam-number-wrong": {Critical, Risk, "PSAM 号与终端号不符: 停用该枪查验", "PSAM number and TID do not belong together: close the nozzle, look at it"},
	"psam-elsewhere":    {Critical, Duty, "PSAM 不在登记的口: 若换过则更新布局, 否则查验", "the PSAM is not where it is registered: was it moved? then order the layout"},
	"nozzle-wrong":      {Critical, Duty, "枪号与布局不符: 核对接线, 更新布局", "not the nozzle of the layout: check cables, order the layout"},
	"unknown-product":   {Warning, Duty, "油品未登记: 登记后该记录自动复核", "register the product"},
	"purse-unsupported": {Warning, Duty, "扣款来源不支持: 人工核对", "debit source not supported: a person checks it"},
	"unknown-card":      {Critical, Risk, "卡未登记: 等制卡数据; 隔日仍无则疑伪卡", "unknown card: wait for the card maker; then it may be forged"},
	"key-unknown":       {Critical, Duty, "密钥版本未知: 核对中心工作密钥", "unknown key version: look at the center's keys"},
	"ttc-zero":          {Critical, Duty, "没有 PSAM 序号: 与该站核对", "no PSAM number: ask the station"},
	"tac-wrong":         {Critical, Risk, "TAC 不符: 疑伪造, 保留原文, 查该站", "TAC wrong: forged? keep the bytes, look at the station"},
	"gtac-wrong":        {Critical, Risk, "GTAC 不符: 疑伪造, 保留原文, 查该站", "GTAC wrong: forged? keep the bytes, look at the station"},
	"psam-tac-wrong":    {Critical, Risk, "PSAM-TAC 不符: 疑伪造, 查该站", "PSAM-TAC wrong: forged? look at the station"},
	"amount-wrong":      {Critical, Duty, "金额不符: 凭小票核对后裁定", "amount wrong: compare with the receipt, then decide"},
	"blacklist-hit":     {Critical, Risk, "黑名单卡被使用: 按规定扣卡, 记下车牌, 通知中心", "a blacklisted card was used: keep the card, note the plate, tell the center"},
	"not-white":         {Notice, Manager, "内部卡不在白名单: 核对持卡人, 需要时请中心列入", "internal card not on the white list: check who holds it, have the center list it if right"},
	"lists-old":         {Warning, Manager, "名单过旧: 检查与中心的网络, 挂失卡可能仍能加油", "lists are old: check the network to the center, lost cards may still work"},
	"lists-too-old":     {Critical, Manager, "名单过旧, 已停止用卡加油: 恢复与中心的网络", "lists too old, cards are refused: restore the network to the center"},
	"list-refused":      {Critical, Duty, "收到的名单不可用: 检查中心签名与版本", "a list that came can not be used: check the center's signature and version"},
	"ctc-used":          {Critical, Risk, "脱机序号已用过: 疑复制卡, 列入黑名单", "the card's number was used: copied? blacklist it"},
	"lock-differs":      {Critical, Duty, "与锁卡记录不符: 核对两份原文", "not the card of the lock: compare both records"},
	"conflict":          {Critical, Duty, "与账上矛盾: 两份都在, 凭小票裁定", "contradicts the books: both are kept, decide by the receipt"},
	"station-refused":   {Critical, Duty, "油站未接受: 看代码, 与该站核对", "refused by the station: see its code, ask the station"},
}
