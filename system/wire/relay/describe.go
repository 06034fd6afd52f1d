package relay

import "fmt"

// Describe is one line on a frame as people read it, in Chinese then English; fromBoard says which way it went.
func Describe(f []byte, fromBoard bool) string {
	if fromBoard {
		r, err := ParseReply(f)
		if err != nil {
			return fmt.Sprintf("无效应答 bad reply: %v", err)
		}
		return r.String()
	}
	r, err := ParseRequest(f)
	if err != nil {
		return fmt.Sprintf("无效命令 bad request: %v", err)
	}
	return r.String()
}

// String says what the station asks.
func (r Request) String() string {
	if r.Function == ReadCoils {
		return fmt.Sprintf("%d 号板 读线圈 %d…%d (board %d: read coils)", r.Address, r.Coil, int(r.Coil)+int(r.Count)-1, r.Address)
	}
	return fmt.Sprintf("%d 号板 线圈 %d %s (board %d: write coil)", r.Address, r.Coil, onOff(r.On), r.Address)
}

// String says what the board answers.
func (r Reply) String() string {
	switch {
	case r.Function&Refused != 0:
		zh, en := r.Code.Words()
		return fmt.Sprintf("%d 号板 拒绝: %s (board %d refuses: %s)", r.Address, zh, r.Address, en)
	case r.Function == WriteCoil:
		return fmt.Sprintf("%d 号板 应答: 线圈 %d %s (board %d: coil written)", r.Address, r.Coil, onOff(r.On), r.Address)
	}
	return fmt.Sprintf("%d 号板 线圈状态 %08b (board %d: coils, each byte from bit 0)", r.Address, r.Coils, r.Address)
}

func onOff(on bool) string {
	if on {
		return "吸合 on"
	}
	return "断开 off"
}
