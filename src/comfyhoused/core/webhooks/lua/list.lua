-- A page of a log, newest first. ARGV: key of the log, before, most. Returns seq, delivery, …
local rows = {}
local ids = redis.call('ZREVRANGEBYSCORE', ARGV[1], ARGV[2], '-inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])
for i = 1, #ids, 2 do rows[#rows + 1] = { ids[i + 1], redis.call('HGETALL', delivery_of(ids[i])) } end
return rows
