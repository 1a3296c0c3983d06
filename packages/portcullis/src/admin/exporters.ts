/** `/exporters`: where audit records are sent, how far each place is behind, and whether it can be reached. */
import type { Exporters } from '../audit/export/exporters.ts'
import { unknownThing } from './known.ts'
import { liveOf } from './live.ts'
import { type AdminCall, type AdminRoute, OPERATORS, READERS, route } from './route.ts'

export const EXPORTER_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/exporters', name: 'listExporters' },
    summary: 'Where audit records are sent, and how far each place is behind.',
    may: READERS,
    reach: 'gateway',
    run: (call) => ({ document: { exporters: exportersOf(call)?.status ?? [] } }),
  }),
  route({
    ...{ method: 'POST', path: '/exporters/{name}/test', name: 'testExporter' },
    summary: 'Sends one event, which stands in no chain, and tells whether the receiver took it.',
    may: OPERATORS,
    reach: 'gateway',
    body: {},
    run: test,
  }),
]

const exportersOf = (call: AdminCall): Pick<Exporters, 'status' | 'test'> | undefined => liveOf(call.view).exporters

async function test(call: AdminCall) {
  const { path, asker, change } = call
  const { name = '' } = path
  const exporters = exportersOf(call)
  if (exporters?.status.some((one) => one.name === name) !== true) throw unknownThing('exporter', name)
  await change((announce) => announce({ what: 'exporter.tested', id: name }))
  // After the turn: a receiver may take seconds to answer, and no other change must wait for that.
  const result = await exporters.test(name, asker.id)
  if (result === undefined) throw unknownThing('exporter', name)
  return { document: { ...result } }
}
