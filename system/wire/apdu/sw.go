package apdu

import "fmt"

// SW is a status word. It is an answer, not a transport failure; a caller that wanted OK turns it into an error with Err.
type SW uint16

// Status words of cards and PSAMs. Source: card.md section 9.
const (
	OK                SW = 0x9000
	NeverWritten      SW = 0x6281
	FileInvalid       SW = 0x6283
	FlagsUnchanged    SW = 0x6400
	MemoryFailure     SW = 0x6581
	WrongLength       SW = 0x6700
	WrongSecureCLA    SW = 0x6900
	WrongState        SW = 0x6901
	WrongFileType     SW = 0x6981
	SecurityState     SW = 0x6982
	AuthBlocked       SW = 0x6983
	Conditions        SW = 0x6985
	SecureDataMissing SW = 0x6987
	SecureMACWrong    SW = 0x6988
	WrongData         SW = 0x6A80
	FunctionOrBlocked SW = 0x6A81
	FileNotFound      SW = 0x6A82
	RecordNotFound    SW = 0x6A83
	NoSpace           SW = 0x6A84
	WrongP1P2         SW = 0x6A86
	KeyNotFound       SW = 0x6A88
	WrongOffset       SW = 0x6B00
	UnknownINS        SW = 0x6D00
	UnknownCLA        SW = 0x6E00
	UnknownFailure    SW = 0x6F00
	MACWrong          SW = 0x9302
	PermanentlyLocked SW = 0x9303
	BalanceTooLow     SW = 0x9401
	KeyIndexMissing   SW = 0x9403
	ProofNotAvailable SW = 0x9406
)

var swWords = map[SW][2]string{
	OK:                {"成功", "ok"},
	NeverWritten:      {"数据可能有误(从未写入)", "data may be wrong (never written)"},
	FileInvalid:       {"文件或应用已锁定", "file or application blocked"},
	FlagsUnchanged:    {"状态未改变", "flags unchanged"},
	MemoryFailure:     {"存储器故障", "memory failure"},
	WrongLength:       {"长度错误", "wrong length"},
	WrongSecureCLA:    {"CLA 与安全报文不符", "CLA does not match secure messaging"},
	WrongState:        {"状态不符, 命令不接受", "command not accepted in this state"},
	WrongFileType:     {"文件类型不符", "wrong file type"},
	SecurityState:     {"安全状态不满足(如密码未校验)", "security state not satisfied (PIN not verified?)"},
	AuthBlocked:       {"认证方法已锁定", "authentication blocked"},
	Conditions:        {"使用条件不满足", "conditions not satisfied"},
	SecureDataMissing: {"缺少安全报文数据", "secure-messaging data missing"},
	SecureMACWrong:    {"安全报文MAC错误", "secure-messaging MAC wrong"},
	WrongData:         {"数据域错误", "wrong data"},
	FunctionOrBlocked: {"功能不支持或应用锁定", "function unsupported or application blocked"},
	FileNotFound:      {"文件未找到", "file not found"},
	RecordNotFound:    {"记录未找到", "record not found"},
	NoSpace:           {"空间不足", "no space"},
	WrongP1P2:         {"P1 P2 错误", "wrong P1 P2"},
	KeyNotFound:       {"密钥未找到", "key not found"},
	WrongOffset:       {"偏移量错误", "wrong offset"},
	UnknownINS:        {"INS 不支持", "unknown INS"},
	UnknownCLA:        {"CLA 不支持", "unknown CLA"},
	UnknownFailure:    {"未知错误", "unknown failure"},
	MACWrong:          {"MAC 错误", "MAC wrong"},
	PermanentlyLocked: {"应用永久锁定", "application permanently locked"},
	BalanceTooLow:     {"余额不足", "balance too low"},
	KeyIndexMissing:   {"密钥索引不支持", "key index unsupported"},
	ProofNotAvailable: {"所需MAC(或序号)不可用", "required MAC (or serial) not available"},
}

// TriesLeft returns x of 63Cx.
func (s SW) TriesLeft() (int, bool) { return int(s & 0xF), s&0xFFF0 == 0x63C0 }

// MoreData returns xx of 61xx.
func (s SW) MoreData() (int, bool) { return int(s & 0xFF), s>>8 == 0x61 }

// ExactLe returns xx of 6Cxx.
func (s SW) ExactLe() (int, bool) { return int(s & 0xFF), s>>8 == 0x6C }

// Words says the status word in Chinese and English.
func (s SW) Words() (zh, en string) {
	if w, ok := swWords[s]; ok {
		return w[0], w[1]
	}
	if n, ok := s.TriesLeft(); ok {
		return fmt.Sprintf("校验失败, 还可试 %d 次", n), fmt.Sprintf("verification failed, %d tries left", n)
	}
	if n, ok := s.MoreData(); ok {
		return fmt.Sprintf("还有 %d 字节", n), fmt.Sprintf("%d more bytes", n)
	}
	if n, ok := s.ExactLe(); ok {
		return fmt.Sprintf("Le 应为 %d", n), fmt.Sprintf("Le must be %d", n)
	}
	return "未列出的状态字", "status word not in the list"
}

// String prints four hexadecimal digits.
func (s SW) String() string { return fmt.Sprintf("%04X", uint16(s)) }

// Error says what a status word means to a person; it is the error of a command that wanted another answer.
func (s SW) Error() string {
	zh, en := s.Words()
	return fmt.Sprintf("SW %04X %s (%s)", uint16(s), zh, en)
}

// Err is nil for OK and the status word itself otherwise.
func (s SW) Err() error {
	if s == OK {
		return nil
	}
	return s
}
