//go:build !pcsc

package main

import (
	"greylock/cmd/internal/cli"
	"greylock/emulators/conform"
)

// throughReader needs the readers, which this build does not have.
func throughReader(conform.Backend, string) (conform.Backend, error) {
	return nil, &cli.Error{Exit: cli.Device, Code: "E408", Zh: "此程序未带读卡器支持", En: "this build has no readers",
		NextZh: "用 -tags pcsc 构建, 或 --cards mem", NextEn: "build with -tags pcsc, or use --cards mem"}
}
