-- Keep a mail until it is sent or too late. Answers 0 where its like was posted before.
-- ARGV: id, fields (JSON), good for ms, `once` ('' for none), ms for which `once` is remembered
if ARGV[4] ~= '' and not redis.call('SET', 'ch:1:mail:once:' .. ARGV[4], ARGV[1], 'NX', 'PX', ARGV[5]) then
  return 0
end
for name, value in pairs(cjson.decode(ARGV[2])) do redis.call('HSET', key_of(ARGV[1]), name, value) end
redis.call('PEXPIRE', key_of(ARGV[1]), ARGV[3])
redis.call('ZADD', DUE, now_ms(), ARGV[1])
return 1
