/** Which commands there are on exporters. */
import type { Command } from 'commander'
import { asOverseer, type Done } from './options.ts'
import type { Terminal } from './terminal.ts'

const load = () => import('./export-status.ts')

export function addExportCommands(program: Command, terminal: Terminal, done: Done): void {
  const exports = program.command('export').description('where the running gateway sends its audit records')
  asOverseer(exports.command('status').description('list the places, and how far each is behind')).action(
    async (options) => (await load()).exportStatus(options, terminal),
  )
  asOverseer(
    exports.command('test').description('send one event there, and tell whether it was taken').argument('<name>'),
  ).action(async (name: string, options) => done(await (await load()).exportTest(name, options, terminal)))
}
