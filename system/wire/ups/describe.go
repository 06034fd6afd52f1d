package ups

import (
	"fmt"
	"strings"
	"time"
)

// Describe is one line, without its end, as people read it, in Chinese then English; fromUPS says which way it went.
func Describe(line []byte, fromUPS bool) string {
	if fromUPS {
		a, err := Parse(line)
		if err != nil {
			return fmt.Sprintf("无效应答 bad answer: %v", err)
		}
		return a.String()
	}
	c, err := ParseCommand(line)
	if err != nil {
		return fmt.Sprintf("无效命令 bad command: %v", err)
	}
	return c.String()
}

// String says what the computer wants.
func (c Command) String() string {
	switch c.Kind {
	case AskStatus:
		return "查询状态 (ask for the status)"
	case AskRating:
		return "查询额定值 (ask for the ratings)"
	case AskIdentity:
		return "查询型号 (ask who it is)"
	case Cancel:
		return "取消关机 (cancel the shutdown)"
	}
	if c.Stay {
		return fmt.Sprintf("%v后关断输出, 不再恢复 (output off after %v, for good)", seconds(c.After), c.After)
	}
	return fmt.Sprintf("%v后关断输出, 市电恢复 %v后再开 (output off after %v, on again %v after the mains)", seconds(c.After), seconds(c.Restore), c.After, c.Restore)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%d 秒", d/time.Second) }

// flagWords are the flags from b7 on.
var flagWords = []struct {
	f      Flags
	zh, en string
}{
	{UtilityFail, "市电中断", "no mains"}, {BatteryLow, "电池电量低", "battery low"}, {Bypass, "旁路或稳压", "bypass or boost"}, {Failed, "UPS 故障", "UPS failed"},
	{Standby, "后备式", "standby type"}, {Testing, "自检中", "testing"}, {ShutdownActive, "关机中", "shutting down"}, {Beeper, "蜂鸣器开", "beeper on"},
}

// String names the flags that are set.
func (f Flags) String() string {
	var zh, en []string
	for _, w := range flagWords {
		if f&w.f != 0 {
			zh, en = append(zh, w.zh), append(en, w.en)
		}
	}
	if len(zh) == 0 {
		return "正常 (normal)"
	}
	return strings.Join(zh, ", ") + " (" + strings.Join(en, ", ") + ")"
}

// tenths prints a figure, or a dash.
func tenths(n int) string {
	if n == Unknown {
		return "-"
	}
	return fmt.Sprintf("%d.%d", n/10, n%10)
}

// Volts is the battery's voltage as it is told: of all of it, or of one cell.
func (s *Status) Volts() string {
	if s.Battery == Unknown {
		return "-"
	}
	return fmt.Sprintf("%d.%02d", s.Battery/100, s.Battery%100)
}

// String says how the UPS is.
func (s *Status) String() string {
	load := "-"
	if s.Load != Unknown {
		load = fmt.Sprint(s.Load)
	}
	return fmt.Sprintf("输入 input %s V, 输出 output %s V, 负载 load %s %%, 电池 battery %s V, %s ℃: %v", tenths(s.Input), tenths(s.Output), load, s.Volts(),
		tenths(s.Temperature), s.Flags)
}

// String says what the UPS is made for.
func (r *Rating) String() string {
	return fmt.Sprintf("额定 rated %s V, %d A, 电池 battery %s V, %s Hz", tenths(r.Voltage), r.Current, tenths(r.Battery), tenths(r.Frequency))
}

// String says who made it.
func (x *Identity) String() string {
	return fmt.Sprintf("型号 model: %s %s %s", x.Company, x.Model, x.Version)
}

// String says what the word means.
func (w Word) String() string {
	switch w {
	case ACK:
		return "接受 (accepted)"
	case NAK:
		return "拒绝 (refused)"
	}
	return fmt.Sprintf("不认识的命令退回 (a command that it does not know comes back): %s", string(w))
}
