-- What the sweeper has to remove. ARGV: most. Returns file ids that expired, doomed object keys.
local now, most = now_ms(), tonumber(ARGV[1])
return {
  redis.call('ZRANGEBYSCORE', EXPIRING, '-inf', now, 'LIMIT', 0, most),
  redis.call('ZRANGEBYSCORE', DOOMED, '-inf', now, 'LIMIT', 0, most),
}
