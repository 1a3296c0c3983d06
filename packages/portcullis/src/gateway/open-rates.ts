/** Configuration to where permits are counted: in this process, or in Redis for all nodes together. */
import { readSecret } from '../config/secret-source.ts'
import { GuardedRates } from '../traffic/guarded-rates.ts'
import { MemoryRateStore } from '../traffic/memory-rate-store.ts'
import type { RateStore } from '../traffic/rate-store.ts'
import type { TrafficParts } from './traffic-parts.ts'
import { type Trust, trustedServer } from './trusted-server.ts'

/** Thrown at the start when the limits cannot be counted where the configuration says. */
export class RedisError extends Error {
  override readonly name = 'RedisError'
}

/** `ending` gets what closes the connection. Rejects with RedisError and SecretError. */
export async function openRates(
  { config, clock, log, environment, prover }: TrafficParts,
  ending: (() => void)[],
): Promise<RateStore> {
  const { redis } = config.traffic
  if (redis === undefined) return new MemoryRateStore(clock)
  const { RedisRateStore } = await import('../stores/redis/rates.ts')
  const { username, password, ca, plaintext, timeoutMs, onLoss } = redis
  const isTls = plaintext === undefined || redis.url.startsWith('rediss:')
  const shared = new RedisRateStore({
    url: new URL(redis.url),
    ...(username !== undefined && { username }),
    ...(password && { password: readSecret(password, environment).reveal() }),
    ...(isTls && overTls(trustedServer(prover, 'traffic.redis', ca))),
    ...{ connectTimeoutMs: Math.max(2_000, timeoutMs), commandTimeoutMs: timeoutMs },
    onProblem: (error) => log.debug('Redis', { error }),
  })
  ending.push(() => shared.close())
  await shared.open().catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause)
    if (onLoss !== 'local') throw new RedisError(`Redis cannot be used at ${redis.url}: ${reason}`, { cause })
    log.error('Redis cannot be used; this node counts alone', { url: redis.url, reason })
  })
  const onChange = (error: unknown) =>
    error === undefined
      ? log.info('Redis answers again', { url: redis.url })
      : log.error('Redis does not answer', { url: redis.url, onLoss, error })
  return new GuardedRates({ shared, clock, onChange, ...(onLoss === 'local' && { local: new MemoryRateStore(clock) }) })
}

const overTls = ({ prove, ...tls }: Trust) => ({ tls, prove })
