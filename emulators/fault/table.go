package fault

import "strings"

// Option is what a pair takes beside after.
type Option byte

// The options. A pair that takes Times ends by itself after so many strikes; one that takes For is mended after that time.
const (
	Rate Option = 1 << iota
	Times
	At
	For
	mustAt
)

// String lists the words.
func (o Option) String() string {
	words := []string{"after"}
	for _, x := range []struct {
		o    Option
		word string
	}{{Rate, "N%"}, {Times, "times"}, {At, "at"}, {For, "for"}} {
		if o&x.o != 0 {
			words = append(words, x.word)
		}
	}
	return strings.Join(words, ", ")
}

// Pair is one row of the table: a device and what it can suffer.
type Pair struct {
	Device Device `json:"device"`
	Kind   Kind   `json:"kind"`
	Alias  string `json:"alias"` // Chinese word of the kind
	Takes  Option `json:"-"`
	Zh     string `json:"zh"`
	En     string `json:"en"`
	// Ends is how a sale under it ends: "books" when everything is booked as it was, else the kind of the alarm that comes.
	Ends string `json:"ends"`
}

// Books is the end of a sale whose figures all agree.
const Books = "books"

const stream = Rate | Times | For // damage of a stream of bytes

// devices are the words for them.
var devices = []struct {
	Device Device
	Alias  []string
}{
	{Line, []string{"线", "串口线", "号线", "号枪线", "号枪线路", "号枪的线"}}, {Dispenser, []string{"加油机", "号枪", "号枪加油机"}}, {Plain, []string{"号站控枪", "普通加油机"}}, {Card, []string{"卡"}},
	{PSAM, []string{"号枪PSAM", "号枪的PSAM"}}, {Reader, []string{"读卡器", "网点读卡器"}}, {Hub, []string{"集线器"}}, {Station, []string{"站级程序", "加油站"}},
	{Disk, []string{"磁盘", "加油站磁盘"}}, {Clock, []string{"时钟", "加油站时钟"}}, {UPS, []string{"UPS", "加油站UPS", "不间断电源"}}, {Center, []string{"中心", "到中心的网络"}},
}

// Table holds every pair that the emulators can do, and nothing else.
var Table = []Pair{
	{Line, "off", "断开", For, "串口线断开, 两个方向的字节都丢失", "the line is cut: bytes of both directions are lost", Books},
	{Line, "noise", "噪声", Rate | For, "每千字节中若干字节受损 (改位, 丢失, 多出)", "so many of all bytes are damaged: flipped, lost, added", Books},
	{Line, "flip", "改位", stream, "一位翻转", "one bit of a piece is wrong", Books},
	{Line, "drop", "丢字节", stream, "少一个字节", "one byte of a piece is missing", Books},
	{Line, "insert", "多字节", stream, "多一个随机字节", "one random byte too many", Books},
	{Line, "lose", "丢段", stream, "一段字节全部丢失", "a whole piece is missing", Books},
	{Line, "garbage", "乱码", stream, "无人发送也有随机字节", "random bytes that nobody sent", Books},
	{Line, "delayed", "延迟", stream, "一段及其后的字节晚到, 至多 400 毫秒", "a piece and what follows it come up to 400 ms late", Books},
	{Line, "duplicate", "重复", stream, "一帧到两遍", "a frame comes twice", Books},
	{Line, "reorder", "乱序", stream, "一帧落到下一帧之后", "a frame comes after the next one", Books},
	{Line, "stale", "旧应答", stream, "送来的是前一帧", "the frame before comes in place of this one", Books},
	{Line, "echo", "回声", For, "收发短接: 自己发的又收到", "TX and RX are joined: what one sends one hears", Books},
	{Line, "half", "半断", For, "加油机到站的一根芯线断, 另一根好", "the wire from dispenser to station is broken, the other is good", Books},
	{Line, "baud", "波特率", For, "两边波特率不同: 收到的都是乱码", "the two sides have different baud rates: what comes is garbage", Books},
	{Line, "parity", "校验位", For, "两边校验位不同: 错字节变成 00", "the two sides have different parity: wrong bytes come as 00", Books},
	{Line, "break", "长断", For, "线上长时间为空号: 只收到帧错误的 00", "the line is held at space: only 00 with framing errors comes", Books},
	{Line, "intermittent", "接触不良", For, "每秒通一阵断一阵", "good for a while, cut for a while, every second", Books},
	{Line, "tear-byte", "截断", Times | For | At | mustAt, "一帧只到前 N 个字节", "only the first N bytes of a frame come", Books},
	{Line, "crossed", "对调", For | At | mustAt, "与 N 号枪的接线对调: 应答的是另一把枪", "the cable is swapped with that of nozzle N: another nozzle answers", "crossed-cables"},
	{Line, "wrong", "篡改", Times, "一笔记录的金额在途中被改, 校验码也随之改好", "the amount of a record is changed on its way, and the CRC with it", "tmac-wrong"},

	{Dispenser, "off", "断电", For, "加油机断电, 内存保留", "no power; what is in its memory stays", Books},
	{Dispenser, "duplicate", "重报", Times, "一笔记录上传两遍", "a record is sent twice", Books},
	{Dispenser, "replay", "旧账重报", 0, "上一笔换号重报", "the last sale is sent again under the next number", "record-refused"},
	{Dispenser, "add-previous", "上笔并入", 0, "下一笔记录并入上一笔的油量和金额", "the next record holds the last sale's fuel and money as well", "record-refused"},
	{Dispenser, "stuck", "卡死", For, "电机转而无脉冲, 一分钟后停机", "the motor runs, no pulses come; it stops after a minute", "board-fault"},
	{Dispenser, "slow", "慢流", For, "只流 5 升每分", "it gives 5 L/min only", Books},
	{Dispenser, "leak", "渗漏", For, "阀门关闭后仍渗漏, 自锁", "the closed valve leaks; the pump locks itself", "board-fault"},
	{Dispenser, "bounce", "开关抖动", For, "枪开关每次动作抖动 60 毫秒", "the hook switch bounces for 60 ms at each move", Books},
	{Dispenser, "hook-stuck", "枪开关卡住", For, "挂枪而开关不动, 修好后才结束", "the nozzle is hung, the switch stays up until it is mended", Books},
	{Dispenser, "clicks", "跳枪", For, "油箱将满时油枪自动跳停几次", "the gun stops by itself a few times near a full tank", Books},
	{Dispenser, "reverse", "反向脉冲", For, "编码器回抖, 计数先退后进", "the encoder jitters backwards before it goes on", Books},
	{Dispenser, "total-leap", "泵码跳走", At | mustAt, "泵码无油多走 N 升", "the totalizer leaps N litres without fuel", "totalizer-jump"},
	{Dispenser, "total-back", "泵码倒退", At | mustAt, "泵码倒退 N 升", "the totalizer goes back by N litres", "totalizer-back"},
	{Dispenser, "unauthorised", "手动出油", At | mustAt, "未授权出油 N 升 (手动)", "N litres flow without authorisation (manual)", "totalizer-jump"},
	{Dispenser, "deaf", "不取油价", For, "从不取油价文件", "it never fetches its prices", Books},

	{Plain, "off", "断电", For, "普通加油机断电, 内存保留", "no power; what is in its memory stays", Books},
	{Plain, "forget", "断电忘账", For, "断电, 来电后忘记末笔的油量和金额 (泵码仍在)", "no power; when it is back the figures of its last sale are 0, and its totals are right", "sale-in-doubt"},
	{Plain, "mute", "不应答", For, "收到而不应答, 也不执行", "it hears and obeys nothing", Books},
	{Plain, "delayed", "迟答", For, "应答晚 600 毫秒, 落到下一问之后", "it answers 600 ms late: after the next question", Books},
	{Plain, "stale", "旧应答", For, "应答的是上一问", "it answers the question before", Books},
	{Plain, "wrong-nozzle", "枪号错", For, "应答中的枪号是下一把枪", "its replies carry the next nozzle's number", Books},
	{Plain, "high-bits", "枪号高位", For, "应答的枪号高四位不为零", "the high half of the nozzle number of its replies is set", Books},
	{Plain, "echo", "回声", For, "先送回收到的字节", "it sends back first what it hears", Books},
	{Plain, "early-idle", "早挂枪", For, "累计数未写完就显示挂枪", "it shows the nozzle as hung before its totals are written", Books},
	{Plain, "slow", "慢流", For, "只流 5 升每分", "it gives 5 L/min only", Books},
	{Plain, "stuck", "卡死", For, "电机转而无脉冲, 一分钟后停机", "the motor runs, no pulses come; it stops after a minute", Books},
	{Plain, "bounce", "开关抖动", For, "枪开关每次动作抖动 60 毫秒", "the hook switch bounces for 60 ms at each move", Books},
	{Plain, "hook-stuck", "枪开关卡住", For, "挂枪而开关不动, 修好后才结束", "the nozzle is hung, the switch stays up until it is mended", Books},
	{Plain, "clicks", "跳枪", For, "油箱将满时油枪自动跳停几次", "the gun stops by itself a few times near a full tank", Books},
	{Plain, "reverse", "反向脉冲", For, "编码器回抖, 计数先退后进", "the encoder jitters backwards before it goes on", Books},
	{Plain, "total-leap", "泵码跳走", At | mustAt, "泵码无油多走 N 升", "the totalizer leaps N litres without fuel", "sale-in-doubt"},

	{Card, "tear-command", "命令前断电", At | mustAt, "第 N 条卡命令到达之前卡断电", "the card loses power before command N reaches it", Books},
	{Card, "tear-answer", "应答前断电", At | mustAt, "第 N 条卡命令执行后、应答前卡断电", "the card has obeyed command N and loses power before its answer", Books},
	{Card, "slow", "慢", For, "卡每条命令多用 300 毫秒", "each command takes the card 300 ms longer", Books},
	{Card, "wrong", "错应答", Times, "卡回 6F00", "the card answers 6F00", Books},
	{PSAM, "slow", "慢", For, "PSAM 每条命令多用 300 毫秒", "each command takes the PSAM 300 ms longer", Books},
	{PSAM, "off", "失电", For, "PSAM 不应答", "the PSAM does not answer", Books},
	{PSAM, "wrong", "错应答", Times, "PSAM 回 6F00", "the PSAM answers 6F00", Books},

	{Reader, "unplug", "拔下", At | mustAt, "第 N 条卡命令时读卡器被拔下", "the reader is unplugged at command N", Books},
	{Reader, "off", "服务停止", At | mustAt, "第 N 条卡命令时读卡器服务停止", "the reader service stops at command N", Books},
	{Hub, "off", "断电", For | At, "集线器断电, 端口都不通; at N 只指第 N 个集线器", "the hubs have no power, no port works; at N means the N-th hub only", Books},
	{Station, "off", "杀死", For, "站级程序被杀死 (kill -9 并断电)", "the program is killed, and the power with it", Books},
	{Station, "stuck", "挂起", For, "站级程序停住, 收到的字节排队", "the program stands still; what comes for it waits", Books},
	{Disk, "slow", "慢", For, "每次同步多用 200 毫秒", "each sync takes 200 ms longer", Books},
	{Disk, "full", "满", For, "磁盘满, 程序停止", "the disk is full", Books},
	{Disk, "sync", "同步失败", 0, "下一次同步失败, 程序停止后重新启动", "the next sync fails; the program ends and starts again", Books},
	{Disk, "short", "写不全", 0, "下一次写只写一半", "the next write comes short", Books},
	{Disk, "tear-byte", "写入中断电", At | mustAt, "再写 N 字节后断电", "the power goes after N more bytes are written", Books},
	{Clock, "ahead", "跳快", For | At | mustAt, "站级机时钟跳快 N 秒, 修好后跳回", "the station's clock leaps N seconds ahead, and back when it is mended", Books},
	{Clock, "behind", "跳慢", For | At | mustAt, "站级机时钟跳慢 N 秒, 修好后跳回", "the station's clock leaps N seconds back, and on when it is mended", Books},
	{UPS, "mains", "停市电", For, "市电中断, 站级电脑由 UPS 的电池供电", "the mains fail, the station's machine runs on the UPS's battery", "on-battery"},
	{UPS, "low", "电池将尽", For, "市电中断, 电池也将尽; 修好即来电", "the mains fail with the battery near its end; mended, they are back", "battery-low"},
	{UPS, "off", "断电", For, "UPS 没有输出, 站级电脑断电; 修好后电脑启动", "the UPS gives no power, the station's machine goes dark; mended, it boots", Books},
	{UPS, "mute", "不应答", For, "UPS 不应答", "the UPS does not answer", Books},
	{UPS, "garbage", "乱码", For, "UPS 的应答受损", "the UPS's answers are damaged", Books},
	{UPS, "delayed", "迟答", For, "UPS 的应答晚 3 秒", "the UPS's answers come 3 s late", Books},
	{UPS, "wrong", "误报", Times, "一个应答误报市电 (一位之差)", "an answer tells the contrary of the mains: one bit is wrong", Books},
	{Center, "off", "断开", For, "站与中心不通", "the site is cut from the center", Books},
	{Center, "slow", "慢", For, "单程 3 秒", "one way takes 3 s", Books},
	{Center, "lose", "丢请求", Rate | For, "请求丢失", "requests are lost", Books},
	{Center, "duplicate", "重复", Times, "一批记录发两遍", "a batch is sent twice", Books},
	{Center, "wrong", "篡改", 0, "下一份油价指令被改一位", "a price in the next order is changed", Books},
}

// Find is the row of a pair.
func Find(d Device, k Kind) (Pair, bool) {
	for _, p := range Table {
		if p.Device == d && p.Kind == k {
			return p, true
		}
	}
	return Pair{}, false
}

// Kinds are what a device can suffer, in the order of the table.
func Kinds(d Device) (list []string) {
	for _, p := range Table {
		if p.Device == d {
			list = append(list, string(p.Kind))
		}
	}
	return list
}

// Devices are the words of all devices.
func Devices() (list []string) {
	for _, d := range devices {
		list = append(list, string(d.Device))
	}
	return list
}
