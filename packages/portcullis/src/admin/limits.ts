/** `/limits`: how much a tenant may use, and everybody. */
import { type AdminRoute, READERS, route } from './route.ts'

export const LIMIT_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/limits', name: 'readLimits', summary: 'How much a tenant may use, and everybody.' },
    may: READERS,
    run({ view: { config }, tenant }) {
      const own = config.tenants?.[tenant]?.limits ?? {}
      return { document: { tenant, own, everybody: { ...config.limits, rate: config.traffic.rate } } }
    },
  }),
]
