// Which test through a running gateway proves each configuration key, and which keys have none.
//
// A new key needs a row in one of the three tables: keys-proved.test.ts names the keys that lack one. `a.{b,c}` stands for two
// keys. Whether a proof is one shows when the key is left out: `npm run prove-keys -- KEY` runs it without, and it has to fail.

import { UPSTREAM, VERDICTS_AT, TOOL_VERDICTS, SANDBOX, KEEPER, WITNESS, CLIENTS, type Proofs } from './key-places.ts'
import { OF_CALLERS } from './proofs-of-callers.ts'
import { OF_THE_HOUSE } from './proofs-of-the-house.ts'
import { OF_UPSTREAMS } from './proofs-of-upstreams.ts'

export const PROVED: readonly Proofs[] = [OF_CALLERS, OF_UPSTREAMS, OF_THE_HOUSE]

/** What no inspector finds with that weight, so that no verdict about it has an effect yet. */
const UNFOUND = ['sql.hint', 'command.hint', 'expression.{breach,hint}', 'characters.breach', 'prompt.{breach,strong}']
/** Keys without a test through a running gateway, by the reason. What can be proved belongs above. */
export const NOT_PROVED: Readonly<Record<string, readonly string[]>> = {
  'has one value, and no gateway starts without it': ['version'],
  'no inspector gives such a finding yet, so there is nothing that the verdict could be about': UNFOUND.flatMap(
    (one) => [`${VERDICTS_AT}.on.${one}`, `${TOOL_VERDICTS}.on.${one}`],
  ),
  'is for whoever reads the file: an entry that allows refuses nobody': ['traffic.lists.allowed[].reason'],
  'an address of Microsoft or of the machine that a test cannot stand for': [`${KEEPER}.azure.{identity,resource}`],
  'no keychain is open where the tests run; test/data-protection/real/keepers has a stand-in': [
    `${KEEPER}.keychain.account`,
  ],
  'not through a gateway, but with the real driver in test/sandbox/real': [
    `${SANDBOX}.container.{engine,image,runtime}`,
    `${SANDBOX}.require`,
    `${SANDBOX}.network.connectSeconds`,
    `${UPSTREAM}.code.sandbox.cpus`,
    `${UPSTREAM}.code.sandbox.network.allow[].tls`,
  ],
  'not through a gateway, but with a real authority in test/audit/real/witness-places': [
    `${WITNESS}.timestamp.{url,authorities,path,sameDevice,ca,privateNetworks}`,
  ],
  'would have to fail at the right moment; the room of each has a test of its own': [
    'audit.durability',
    `${CLIENTS}.bundleSeconds`,
    'limits.overload.queue',
    `${WITNESS}.{maxLagRecords,deadlineSeconds}`,
    `${KEEPER}.deadlineSeconds`,
    'dataProtection.previous[].attempts',
    'telemetry.traces.queue.megabytes',
    'telemetry.logs.queue.{entries,megabytes}',
  ],
  'has a test that goes well without the key too': [
    'limits.breakers.failures',
    'anomalies.throttle.permits',
    'limits.adaptive.{min,max,tolerance}',
  ],
  'has no test yet': [
    'identity.signatures.keys[].client',
    `${UPSTREAM}.http.oauth.{lister,privateNetworks,ca}`,
    `${UPSTREAM}.signatures.expect.{jwks,secret}`,
    'traffic.redis.{ca,username}',
    'backup.postgres.programs',
  ],
}
