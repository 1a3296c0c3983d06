/** `/blocks`: who and what is refused on every node, besides what the configuration and its files list. */
import { Fault } from '../core/fault.ts'
import { oversees } from '../gateway/administrators.ts'
import type { StandingBlock } from '../traffic/block-list.ts'
import { BLOCK_KINDS, type BlockKind, FOR_EVER_MS, PLACES } from '../traffic/blocks.ts'
import { checkedValue } from '../traffic/entry-value.ts'
import { addressWords } from '../traffic/address-words.ts'
import { networkWords, parseNetwork } from '../traffic/network.ts'
import { NetworkMap } from '../traffic/network-map.ts'
import { type Fields, flag, optional, text, whole, word } from './fields.ts'
import { conflict, requireUpstreams, unknownThing } from './known.ts'
import { byTime, PAGE_FIELDS, pageOf } from './page.ts'
import { type AdminCall, type AdminRoute, ADMINISTRATORS, AUDITORS, route } from './route.ts'

const DAY_SECONDS = 86_400

const EVERYWHERE = optional(flag('for all tenants; for those who look after all of them, and always so for places'))

const NEW_BLOCK = {
  kind: word('what `value` names', BLOCK_KINDS),
  value: text('such as 192.0.2.0/24, `user:…`, a client, the id of a key, files__write', { max: 2_000 }),
  reason: optional(text('for the record')),
  forSeconds: optional(whole('how long it holds; for ever when absent', 1, 3650 * DAY_SECONDS)),
  everywhere: EVERYWHERE,
}

const NO_BLOCK = {
  kind: word('what `value` names', BLOCK_KINDS),
  value: text('as the list shows it', { max: 2_000 }),
  everywhere: EVERYWHERE,
}

export const BLOCK_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/blocks', name: 'listBlocks', summary: 'Blocks that are in force.' },
    may: AUDITORS,
    query: PAGE_FIELDS,
    run({ view, tenant, asker, query }) {
      const now = view.clock.now()
      const seesAll = oversees(view.config, asker)
      const shown = view.blocks.list(now).filter((one) => one.tenant === tenant || (one.tenant === '' && seesAll))
      const keyOf = ({ at, kind, tenant: of, value }: (typeof shown)[number]) => byTime(at, `${kind} ${of} ${value}`)
      const { items, next } = pageOf(shown, keyOf, query)
      return { document: { blocks: items.map(told), ...(next && { next }) } }
    },
  }),
  route({
    ...{ method: 'POST', path: '/blocks', name: 'addBlock' },
    summary: 'Refuses at once, on every node within a second, and ends what is under way.',
    may: ADMINISTRATORS,
    urgent: true,
    body: NEW_BLOCK,
    status: 201,
    run: addBlock,
  }),
  route({
    ...{ method: 'POST', path: '/blocks/remove', name: 'removeBlock', summary: 'Takes a block back.' },
    may: ADMINISTRATORS,
    body: NO_BLOCK,
    run: removeBlock,
  }),
]

async function addBlock(call: AdminCall<Fields, typeof NEW_BLOCK>) {
  const { view, body, asker, change } = call
  const { kind, reason = 'blocked by an administrator', forSeconds } = body
  const tenant = tenantOf(call, kind, body.everywhere)
  const value = checkedValue(kind, body.value, tenant)
  refuseOwn(call, kind, tenant, value)
  requireSense(call, kind, value)
  const at = view.clock.now()
  const untilMs = forSeconds === undefined ? FOR_EVER_MS : at + forSeconds * 1_000
  const block = { kind, tenant, value, reason, source: `admin:${asker.id}`, untilMs }
  await change(async (announce) => {
    await announce({ what: 'block.added', id: value, after: block, detail: { of: kind, reason } })
    await view.blocks.block(block)
  })
  return { document: told({ ...block, at }) }
}

async function removeBlock(call: AdminCall<Fields, typeof NO_BLOCK>) {
  const { view, body, change } = call
  const { kind } = body
  const tenant = tenantOf(call, kind, body.everywhere)
  const value = checkedValue(kind, body.value, tenant)
  return change(async (announce) => {
    const known = view.blocks
      .list(view.clock.now())
      .find((one) => one.kind === kind && one.tenant === tenant && one.value === value)
    if (known === undefined) throw unknownThing('block', value)
    await announce({ what: 'block.removed', id: value, before: known, detail: { of: kind } })
    await view.blocks.remove(kind, tenant, value)
    return { document: told(known) }
  })
}

/** Empty for all. What another tenant is not asked about looks like nothing. */
function tenantOf(
  { view, asker, tenant }: Pick<AdminCall, 'view' | 'asker' | 'tenant'>,
  kind: BlockKind,
  everywhere = false,
) {
  if (!everywhere && !PLACES.includes(kind)) return tenant
  if (oversees(view.config, asker)) return ''
  const says = 'Only those who look after all tenants may block for all of them.'
  throw new Fault('policy.denied', { principal: asker.id, kind, everywhere }, { says })
}

/** Nobody shuts the administration for itself: neither who asks, nor from where, nor the commands of this machine. */
function refuseOwn(
  { asker, address }: Pick<AdminCall, 'asker' | 'address'>,
  kind: BlockKind,
  tenant: string,
  value: string,
): void {
  const { id, credential } = asker
  const own = {
    principal: id,
    key: credential.kind === 'api-key' ? credential.id : undefined,
    client: credential.client,
  }
  const isOwn = kind in own && own[kind as keyof typeof own] === value && (tenant === '' || tenant === asker.tenant)
  if (isOwn) throw conflict('This is what you are signed in by.')
  if (kind !== 'address') return
  if (covers(value, ['127.0.0.1', '::1']))
    throw conflict('This would shut out the commands of this machine; list it in the configuration if it is meant.')
  if (covers(value, [address])) throw conflict('This is the address from which you ask.')
}

function covers(value: string, addresses: readonly string[]): boolean {
  const network = parseNetwork(value)
  const map = new NetworkMap<true>()
  map.set(networkWords(network), network.prefix, true)
  return addresses.some((address) => map.find(addressWords(address) ?? [], () => true) === true)
}

/** A block that could never match would be believed in. */
function requireSense({ view, tenant }: Pick<AdminCall, 'view' | 'tenant'>, kind: BlockKind, value: string): void {
  if (kind === 'upstream') requireUpstreams(view, tenant, [value])
  if (kind === 'tool') requireUpstreams(view, tenant, [value.slice(0, value.indexOf('__'))])
  if (kind !== 'country' || view.config.traffic.lists.countries !== undefined) return
  const says = 'No file says where countries are: name one in traffic.lists.countries.'
  throw new Fault('administration.refused', { kind }, { says })
}

const told = ({ untilMs, tenant, ...block }: StandingBlock): object => ({
  ...block,
  ...(tenant === '' ? { everywhere: true } : { tenant }),
  ...(untilMs < FOR_EVER_MS && { until: untilMs }),
})
