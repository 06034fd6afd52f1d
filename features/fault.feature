# language: zh-CN
功能: 故障词表
  每一种设备的每一种故障 (greylab fault list) 各有一个场景: 故障中照常加油, 最后账实相符; 或者该来的告警来了。

  @E7 @故障
  场景大纲: 故障中加油, 账实相符
    假如按 "two-nozzles" 建成城镇
    假如故障 "<故障>"
    当"张三的卡" 在 1 号枪耐心加油 1.00 升
    而且故障都已排除
    那么故障确已发生
    而且1 号枪的累计数增加了账上各笔的升数之和
    而且各笔流水号互不相同
    而且加油站的日志校验无误

    例子: 串口线
      | 故障                             |
      | line 1: off for 20s            |
      | 1 号线: 噪声 1.5% 持续20秒          |
      | line 1: flip 10% for 20s       |
      | line 1: drop 10% for 20s       |
      | line 1: insert 10% for 20s     |
      | line 1: lose times 20          |
      | line 1: garbage 10% for 20s    |
      | line 1: delayed 30% for 20s    |
      | line 1: duplicate 30% for 20s  |
      | line 1: reorder 20% for 20s    |
      | line 1: stale 20% for 20s      |
      | line 1: echo for 20s           |
      | line 1: half for 20s           |
      | line 1: baud for 20s           |
      | line 1: parity for 20s         |
      | line 1: break for 20s          |
      | 1 号线: 接触不良 持续20秒             |
      | line 1: tear-byte at 9 times 8 |

    例子: 加油机
      | 故障                          |
      | 1 号枪: 断电 5秒后 持续5秒           |
      | 1 号枪: 重报 1次                 |
      | dispenser 1: slow           |
      | dispenser 1: bounce         |
      | 1 号枪: 枪开关卡住 持续25秒           |
      | dispenser 1: clicks         |
      | dispenser 1: reverse        |

    例子: 卡与 PSAM
      | 故障                            |
      | card 张三的卡: tear-command at 9 |
      | 卡 张三的卡: 应答前断电 第10条            |
      | card 张三的卡: slow               |
      | card 张三的卡: wrong times 2      |
      | psam 1: slow                  |
      | psam 1: off for 40s           |
      | psam 1: wrong times 1         |

    例子: 站级程序, 集线器与中心
      | 故障                                   |
      | hub 0001: off for 20s                |
      | 加油站 0001: 杀死 3秒后 持续20秒              |
      | station 0001: stuck after 5s for 20s |
      | center 0001: off for 20s             |
      | center 0001: slow                    |
      | center 0001: lose 50% for 20s        |
      | center 0001: duplicate times 2       |

    # 磁盘和时钟的故障装在程序里面, 独立的进程用的是真磁盘和真时钟
    @虚拟时间
    例子: 磁盘与时钟
      | 故障                                       |
      | disk 0001: slow                          |
      | disk 0001: full for 20s                  |
      | disk 0001: sync                          |
      | disk 0001: short                         |
      | disk 0001: tear-byte at 300              |
      | clock 0001: ahead at 90 after 4s for 30s |
      | 时钟 0001: 跳慢 第90个 4秒后 持续30秒               |

  @E7 @故障
  场景大纲: 故障来告警
    假如按 "two-nozzles" 建成城镇
    当"张三的卡" 在 1 号枪加油 3.00 升
    而且一切了结
    假如故障 "<故障>"
    当"张三的卡" 在 1 号枪耐心加油 1.00 升
    而且故障都已排除
    那么故障确已发生
    而且加油站或中心的告警表上有 "<告警>"
    而且加油站的日志校验无误

    例子:
      | 故障                               | 告警              |
      | line 1: wrong times 1            | tmac-wrong      |
      | 1 号枪: 旧账重报                       | record-refused  |
      | 1 号枪: 上笔并入                       | record-refused  |
      | dispenser 1: stuck for 90s       | board-fault     |
      | dispenser 1: leak for 40s        | board-fault     |
      | dispenser 1: total-leap at 5     | totalizer-jump  |
      | dispenser 1: total-back at 2     | totalizer-back  |
      | 1 号枪: 手动出油 第3个                   | totalizer-jump  |

  # 过 2 小时; 对调两口的线
  @E7 @故障 @虚拟时间
  场景大纲: 接线对调, 改正后记录重传
    假如按 "two-nozzles" 建成城镇
    当"张三的卡" 在 1 号枪加油 3.00 升
    而且一切了结
    假如故障 "<故障>"
    当"张三的卡" 在 1 号枪耐心加油 1.00 升
    而且故障都已排除
    而且过了 2 小时
    那么故障确已发生
    而且加油站或中心的告警表上有 "<告警>"
    而且1 号枪的累计数增加了账上各笔的升数之和
    而且加油站的日志校验无误

    例子:
      | 故障                   | 告警             |
      | line 1: crossed at 2 | crossed-cables |

  @E7 @故障
  场景大纲: 新油价路上的故障
    假如按 "two-nozzles" 建成城镇
    假如故障 "<故障>"
    而且中心下令油品 "1031" 在 2 分钟后改为 7.99 元
    当新油价的时刻已过
    而且故障都已排除
    而且过了 60 秒
    而且"张三的卡" 在 1 号枪耐心加油 1.00 升
    那么故障确已发生
    而且1 号枪的累计数增加了账上各笔的升数之和

    例子:
      | 故障                 |
      | dispenser 1: deaf  |
      | center 0001: wrong |

  @E7 @故障
  场景大纲: 网点读卡器的故障
    假如按 "two-nozzles" 建成城镇
    假如账户 "A0001" 存入现金 100.00 元
    而且故障 "<故障>"
    当网点给 "张三的卡" 耐心圈存 100.00 元, 直到卡上有 600.00 元
    那么故障确已发生
    当"张三的卡" 在 1 号枪加油 1.00 升
    那么中心账上有 1 笔交易
    而且1 号枪的累计数增加了账上各笔的升数之和

    例子:
      | 故障                  |
      | reader: unplug at 9 |
      | 网点读卡器: 服务停止 第9条     |

  @E7 @故障
  场景大纲: 普通加油机的故障, 账实相符
    假如按 "till" 建成城镇
    而且过了 20 秒
    而且故障 "<故障>"
    当员工授权 2 号站控枪, 顾客耐心加油 3.00 升
    而且故障都已排除
    那么故障确已发生
    而且加油站的日志校验无误

    例子:
      | 故障                       |
      | plain 2: off after 6s for 5s |
      | 2 号站控枪: 不应答 6秒后 持续8秒     |
      | plain 2: delayed for 40s |
      | plain 2: stale for 40s   |
      | plain 2: wrong-nozzle for 40s |
      | plain 2: high-bits       |
      | plain 2: echo            |
      | plain 2: early-idle      |
      | plain 2: slow            |
      | plain 2: stuck for 90s   |
      | plain 2: bounce          |
      | plain 2: hook-stuck for 60s |
      | plain 2: clicks          |
      | plain 2: reverse         |

  @E7 @故障
  场景大纲: 普通加油机的故障来告警
    假如按 "till" 建成城镇
    而且过了 20 秒
    当员工授权 2 号站控枪, 顾客耐心加油 1.00 升
    而且故障 "<故障>"
    而且员工授权 2 号站控枪, 顾客耐心加油 2.00 升
    而且故障都已排除
    那么故障确已发生
    而且加油站或中心的告警表上有 "<告警>"

    例子:
      | 故障                       | 告警             |
      | plain 2: total-leap at 5 | sale-in-doubt  |
      | 2 号站控枪: 断电忘账 6秒后 持续5秒  | sale-in-doubt  |

  # 停电让站级程序关、启, 时刻只有虚拟时间能指定
  @E7 @故障 @UPS @虚拟时间
  场景大纲: UPS 的故障中加油, 账实相符
    假如按 "ups" 建成城镇
    而且加油站说电源为"市电"
    而且故障 "<故障>"
    当"张三的卡" 在 1 号枪耐心加油 1.00 升
    而且故障都已排除
    而且过了 60 秒
    那么故障确已发生
    而且加油站照常营业
    而且1 号枪的累计数增加了账上各笔的升数之和
    而且加油站的日志校验无误

    例子:
      | 故障                        |
      | ups 0001: off for 30s     |
      | UPS 0001: 不应答 持续20秒       |
      | ups 0001: garbage for 20s |
      | ups 0001: delayed for 20s |
      | ups 0001: wrong           |

  # 停电让站级程序关、启, 时刻只有虚拟时间能指定
  @E7 @故障 @UPS @虚拟时间
  场景大纲: UPS 的故障来告警, 来电后照常
    假如按 "ups" 建成城镇
    而且加油站说电源为"市电"
    而且故障 "<故障>"
    而且过了 60 秒
    当故障都已排除
    那么站级程序随来电启动
    当过了 20 秒
    而且"张三的卡" 在 1 号枪耐心加油 1.00 升
    那么故障确已发生
    而且加油站或中心的告警表上有 "<告警>"
    而且1 号枪的累计数增加了账上各笔的升数之和
    而且加油站的日志校验无误

    例子:
      | 故障                | 告警          |
      | ups 0001: mains   | on-battery  |
      | UPS 0001: 电池将尽    | battery-low |
