// A folder from which a gateway can be served: configuration, policies, and keys that its store knows.
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { systemClock } from '../../packages/portcullis/src/core/clock.ts'
import { ApiKeyLifecycle } from '../../packages/portcullis/src/identity/api-key-lifecycle.ts'
import { openSqliteStores } from '../../packages/portcullis/src/stores/sqlite/open.ts'

// Read arguments, too: a decision that depends on them cannot be remembered.
const POLICY = `@id("users-may-use-the-upstream")
permit (principal in Role::"user", action, resource);

@id("no-tables-are-dropped")
forbid (principal, action == Action::"tools/call", resource == Tool::"zero/echo")
when { context.args has text && context.args.text like "*drop table*" };
`

// Nobody is to be refused by a limit that is being measured: the limits are counted, and never reached.
const NEVER = { permits: 10_000_000, perSeconds: 1, burst: 10_000_000 }

/** Writes the folder; `upstream` is the value of one upstream of the configuration, `more` further sections. */
export async function writePortcullisFolder({ scratch, name, port, upstream, principals = 1, audit = {}, more = {} }) {
  const folder = join(scratch, name.replaceAll(/[^\w]+/g, '-'))
  mkdirSync(join(folder, 'state'), { recursive: true, mode: 0o700 })
  const configFile = join(folder, 'portcullis.yaml')
  writeFileSync(join(folder, 'access.cedar'), POLICY)
  writeFileSync(configFile, stringify({ ...configuration(port, upstream, audit), ...more }))
  return { configFile, tokens: await issueKeys(join(folder, 'state', 'store.sqlite'), principals) }
}

function configuration(port, upstream, audit) {
  return {
    version: 1,
    state: 'state',
    listen: { port },
    policy: { files: ['access.cedar'], roles: ['user'] },
    upstreams: { zero: { trust: 'trusted', ...upstream } },
    limits: { concurrency: { total: 10_000, perPrincipal: 10_000 } },
    traffic: { rate: { perAddress: NEVER, perPrincipal: NEVER } },
    audit: { log: { level: 'warn' }, ...audit },
  }
}

async function issueKeys(path, count) {
  const stores = await openSqliteStores({ path })
  const keys = new ApiKeyLifecycle({
    store: stores.apiKeys,
    revocations: { revoke: async () => {} },
    clock: systemClock,
    random: randomBytes,
    environment: 'test',
  })
  const tokens = []
  for (let index = 0; index < count; index++) {
    const { key } = await keys.issue({ tenant: 'default', name: `bench ${index}`, roles: ['user'] })
    tokens.push(key.reveal())
  }
  await stores.close()
  return tokens
}
