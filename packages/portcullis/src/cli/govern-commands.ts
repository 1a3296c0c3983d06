/** Which commands there are on sessions, grants, tenants, roles, revocations and upstreams. */
import type { Command } from 'commander'
import { asAdministrator, asOverseer } from './options.ts'
import type { Terminal } from './terminal.ts'

const load = () => import('./govern.ts')

export function addGovernCommands(program: Command, terminal: Terminal): void {
  addSessionCommands(program, terminal)
  addTenantCommands(program, terminal)
  addRevokeCommands(program, terminal)
  addUpstreamCommands(program, terminal)
}

function addSessionCommands(program: Command, terminal: Terminal): void {
  const session = program.command('session').description('open sessions of clients and browsers')
  asAdministrator(session.command('list').description('list the sessions of a tenant'))
    .option('--principal <id>', 'only of this principal')
    .action(async (options) => (await load()).sessionList(options, terminal))
  asAdministrator(session.command('end').description('end a session at once').argument('<id>')).action(
    async (id: string, options) => (await load()).sessionEnd(id, options, terminal),
  )
  const grant = program.command('grant').description('what people have consented to')
  asAdministrator(grant.command('list').description('list the consents of a tenant'))
    .option('--principal <id>', 'only of this principal')
    .option('--client <id>', 'only of this client')
    .action(async (options) => (await load()).grantList(options, terminal))
  asAdministrator(grant.command('revoke').description('end a consent and its tokens at once').argument('<id>')).action(
    async (id: string, options) => (await load()).grantRevoke(id, options, terminal),
  )
}

function addTenantCommands(program: Command, terminal: Terminal): void {
  const tenant = program.command('tenant').description('tenants')
  asOverseer(tenant.command('list').description('list the tenants that you look after')).action(async (options) =>
    (await load()).tenantList(options, terminal),
  )
  asOverseer(tenant.command('suspend').description('refuse everything of a tenant, at once').argument('<name>'))
    .option('--reason <text>', 'for the record')
    .action(async (name: string, options) => (await load()).tenantSuspend(name, options, terminal))
  asOverseer(tenant.command('resume').description('let a tenant in again').argument('<name>')).action(
    async (name: string, options) => (await load()).tenantResume(name, options, terminal),
  )
  const role = program.command('role').description('roles')
  asAdministrator(role.command('list').description('list the roles of a tenant, and who has them')).action(
    async (options) => (await load()).roleList(options, terminal),
  )
}

function addRevokeCommands(program: Command, terminal: Terminal): void {
  const revoke = program.command('revoke').description('make something worth nothing, at once')
  const kinds = [
    ['token', 'end a token by its `jti`'],
    ['certificate', 'end a client certificate by its thumbprint'],
    ['principal', 'end everything of a principal, such as key:… or user:…'],
    ['client', 'end the tokens of a client'],
  ] as const
  for (const [kind, description] of kinds) {
    asAdministrator(revoke.command(kind).description(description).argument('<id>'))
      .option('--reason <text>', 'for the record')
      .option('--for <duration>', 'how long it holds', '90d')
      .action(async (id: string, options) => (await load()).revoke(kind, id, options, terminal))
  }
  asAdministrator(revoke.command('list').description('list what is in force')).action(async (options) =>
    (await load()).revocationList(options, terminal),
  )
}

function addUpstreamCommands(program: Command, terminal: Terminal): void {
  const upstream = program.command('upstream').description('the MCP servers behind the running gateway')
  asAdministrator(upstream.command('list').description('list them, and their processes')).action(async (options) =>
    (await load()).upstreamList(options, terminal),
  )
  asAdministrator(
    upstream.command('restart').description('end its processes; the next call starts anew').argument('<name>'),
  )
    .option('--everybody', 'those of all tenants, and what these share')
    .action(async (name: string, options) => (await load()).upstreamRestart(name, options, terminal))
}
