/** `/limits`: how much a tenant may use, and everybody, and which upstreams are left alone now. */
import { oversees } from '../gateway/administrators.ts'
import { type AdminRoute, READERS, route } from './route.ts'

export const LIMIT_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/limits', name: 'readLimits', summary: 'How much a tenant may use, and everybody.' },
    may: READERS,
    run({ view: { config, live, shownTo }, asker, tenant }) {
      const own = config.tenants?.[tenant]?.limits ?? {}
      const everybody = { ...config.limits, rate: config.traffic.rate }
      if (live === undefined) return { document: { tenant, own, everybody } }
      const { breakers, adaptive } = live.traffic
      const shown = <T extends { readonly upstream: string }>(all: readonly T[]) =>
        all.filter(({ upstream }) => shownTo(asker, upstream))
      const limits = oversees(config, asker) ? shown(adaptive?.limits ?? []) : []
      return { document: { tenant, own, everybody, resting: shown(breakers.open), adaptive: limits } }
    },
  }),
]
