# language: zh-CN
功能: 值守
  看得见站况, 随时能备份; 换一台机器也不丢、不重、不旧。

  背景:
    假如按 "two-nozzles" 建成城镇

  @核心 @P6 @监控
  场景: 监控看到端口、记录、未上传、告警; 告警也到中心
    那么监控问 "/healthz", 答 "ok"
    而且监控问 "/readyz", 答 "ready"
    而且监控看到 "greylock_port_up{port='1'}" 为 1
    而且监控看到 "greylock_port_polls_total{port='1'}" 至少为 1
    而且监控看到 "greylock_dispenser_records_total" 为 0
    当"张三的卡" 在 1 号枪加油 1.00 升
    那么监控看到 "greylock_dispenser_records_total" 至少为 1
    而且监控看到 "greylock_exchange_unsent" 为 0
    当1 号枪的串口线断开
    而且过了 15 秒
    而且1 号枪的串口线接好
    那么监控看到 "greylock_alarms_open" 至少为 1
    而且中心的告警表上有加油站的 "board-offline", 轻重 "警告", 归 "当班员工", 无人处理
    当加油站与中心断开
    而且"张三的卡" 在 2 号枪加油 1.00 升
    那么监控看到 "greylock_exchange_unsent" 至少为 1
    而且监控看到 "greylock_exchange_failures" 至少为 1
    当加油站与中心恢复
    那么监控看到 "greylock_exchange_unsent" 为 0

  @核心 @P5 @备份
  场景: 营业中备份, 换一台机器恢复; 太旧的不恢复, 由中心重建
    当"张三的卡" 在 1 号枪加油 1.00 升
    那么备份在另一台机器上恢复, 链尾与加油站的相同
    当给营业中的加油站做一份备份
    而且"张三的卡" 在 2 号枪加油 1.00 升
    那么恢复备份被拒绝, 说 "备份比中心已收到的旧"
    而且由中心重建的日志, 链尾与加油站的相同
    而且加油站的日志校验无误
