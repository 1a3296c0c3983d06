import type { Administration, AdminView, OpenAdministration } from '../gateway/administration.ts'
import { isAdminPath } from './match.ts'

/**
 * What administrators can ask of a gateway, and change: one file of this room answers for each noun. They are loaded with
 * the first request, because most gateways are asked nothing for most of their life.
 */
export const administration: OpenAdministration = (view) => {
  let opened: Promise<Administration> | undefined
  return {
    takes: isAdminPath,
    serve: async (exchange) => (await (opened ??= load(view))).serve(exchange),
  }
}

async function load(view: AdminView): Promise<Administration> {
  const { routed } = await import('./router.ts')
  const { ADMIN_ROUTES } = await import('./routes.ts')
  return routed(ADMIN_ROUTES, view)
}
