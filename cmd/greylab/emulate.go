package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/emulators/cardos"
	"greylock/emulators/chip"
	"greylock/emulators/psam"
	"greylock/emulators/reader"
	"greylock/system/card"
	"greylock/system/wire/fuelcard"
)

// emulate groups the devices that stand alone.
func (l *lab) emulate() *cobra.Command {
	c := &cobra.Command{Use: "emulate", Short: "仿真单个设备 (one device by itself)"}
	c.AddCommand(l.emulateCard(), l.emulateDispenser(), l.emulateHub(), l.emulateGauge(), l.emulateUPS(), l.emulateList())
	return c
}

func (l *lab) emulateCard() *cobra.Command {
	var images []string
	var at string
	c := &cobra.Command{Use: "card", Short: "把卡映像插进 PC/SC 虚拟读卡器 (put card images into virtual readers)", Args: cobra.NoArgs,
		Long: "连接 pcscd 的 vpcd 驱动 (vsmartcard-vpcd): 第一个映像插第一个卡槽, 第二个插第二个。卡写入的内容随时存回映像。\n" +
			"运行中可输入: out 1 拔出, in 1 插入, tear 1 3 before|after 在第三条命令前后拔出; Ctrl-C 结束。\n" +
			"Connects to pcscd's vpcd driver; what the card writes is kept in the image.\n" +
			"While it runs: out 1 pulls, in 1 inserts, tear 1 3 before|after pulls at the third command; Ctrl-C ends.",
		RunE: func(c *cobra.Command, _ []string) error { return l.offerCards(c.Context(), images, at) }}
	c.Flags().StringSliceVar(&images, "image", nil, "卡映像文件, 最多两个 (image files, at most two)")
	c.Flags().StringVar(&at, "reader", net.JoinHostPort("127.0.0.1", strconv.Itoa(reader.Port)), "vpcd 的地址 (where vpcd listens)")
	return c
}

// offered is an image behind a slot.
type offered struct {
	path string
	slot *reader.Slot
	card card.Slot
}

func (l *lab) offerCards(ctx context.Context, images []string, at string) error {
	host, text, err := net.SplitHostPort(at)
	port, bad := strconv.Atoi(text)
	if err != nil || bad != nil || port < 1 || port > 0xFFFE {
		return cli.Usagef("--reader %q: 应为 地址:端口 (want host:port)", at)
	}
	if len(images) < 1 || len(images) > 2 {
		return cli.Usagef("--image: 给出一个或两个映像 (one or two images)")
	}
	v := reader.NewVirtual(host, port, len(images))
	var cards []offered
	for i, path := range images {
		c, err := openImage(path)
		if err != nil {
			return err
		}
		if err := v.Slots[i].Insert(c); err != nil {
			return err
		}
		cards = append(cards, offered{path, v.Slots[i], c})
		fmt.Fprintf(l.Out, "卡槽 %d (slot): %s, vpcd %s\n", i+1, filepath.Base(path), net.JoinHostPort(host, strconv.Itoa(port+i)))
	}
	v.Plug()
	defer func() { _ = v.Close() }()
	go l.handsOn(cards)
	<-ctx.Done()
	return nil
}

// openImage is the card that an image file holds, behind its contacts.
func openImage(path string) (card.Slot, error) {
	c, err := openChip(path)
	if err != nil {
		return nil, err
	}
	return &chip.T0{Card: c}, nil
}

// openChip is the card that an image file holds; what it writes is kept there.
func openChip(path string) (card.Slot, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	i, err := chip.ParseImage(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	p, err := fuelcard.ProfileNamed(i.Profile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	nv, err := chip.OpenFiled(path, i.Kind, i.Profile)
	if err != nil {
		return nil, err
	}
	if i.Kind == chip.PSAMImage {
		return psam.New(nv, rand.Reader, p), nil
	}
	return cardos.New(nv, rand.Reader, p), nil
}

// handsOn does what is typed until the input ends.
func (l *lab) handsOn(cards []offered) {
	lines := bufio.NewScanner(l.In)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		if err := move(cards, words); err != nil {
			fmt.Fprintf(l.Err, "%v\n", err)
			continue
		}
		fmt.Fprintf(l.Out, "%s\n", strings.Join(words, " "))
	}
}

var errHand = errors.New("应为 out N, in N, tear N 第几条 before|after (want out, in or tear)")

func move(cards []offered, words []string) error {
	if len(words) < 2 {
		return errHand
	}
	n, err := strconv.Atoi(words[1])
	if err != nil || n < 1 || n > len(cards) {
		return fmt.Errorf("没有卡槽 %q (no such slot)", words[1])
	}
	c := cards[n-1]
	switch {
	case words[0] == "out" && len(words) == 2:
		c.slot.Remove()
		return nil
	case words[0] == "in" && len(words) == 2:
		return c.slot.Insert(c.card)
	case words[0] == "tear" && len(words) == 4 && (words[3] == "before" || words[3] == "after"):
		nth, err := strconv.Atoi(words[2])
		if err != nil || nth < 1 {
			return errHand
		}
		phase := reader.Before
		if words[3] == "after" {
			phase = reader.After
		}
		c.slot.Tear(nth, phase)
		return nil
	}
	return errHand
}
