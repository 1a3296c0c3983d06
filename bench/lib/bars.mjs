// The picture of the table: one bar for each target and number of callers, cheapest first.

const WIDTH = 860
const LABEL = 320
const BAR = 14
const GAP = 10
const COLORS = ['#4269d0', '#efb118', '#3ca951', '#ff725c']

/** An SVG document. */
export function drawBars(rows, callers) {
  const names = [...new Set(rows.map(({ name }) => name))]
  const cost = (name) => Math.min(...rows.filter((row) => row.name === name).map(({ cpuPerCall }) => cpuPerCall))
  names.sort((a, b) => cost(a) - cost(b))
  const most = Math.max(1, ...rows.map(({ cpuPerCall }) => cpuPerCall))
  const scale = (WIDTH - LABEL - 60) / most
  const groupHeight = callers.length * BAR + GAP
  const groups = names.map((name, index) => group(rows, callers, name, 30 + index * groupHeight, scale))
  const height = 40 + names.length * groupHeight
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="${LABEL}" y="18">CPU microseconds a call; ${callers.map((count, index) => legend(count, index)).join(', ')}</text>
${groups.join('\n')}
</svg>
`
}

function group(rows, callers, name, top, scale) {
  const middle = top + (callers.length * BAR) / 2 + 4
  const bars = callers.map((count, index) => {
    const row = rows.find((candidate) => candidate.name === name && candidate.callers === count)
    if (row === undefined) return ''
    const width = (row.cpuPerCall * scale).toFixed(1)
    const y = top + index * BAR
    return `<rect x="${LABEL}" y="${y}" width="${width}" height="${BAR - 2}" fill="${COLORS[index % COLORS.length]}"/>
<text x="${LABEL + Number(width) + 4}" y="${y + BAR - 4}">${row.cpuPerCall.toFixed(0)}</text>`
  })
  return `<text x="${LABEL - 8}" y="${middle}" text-anchor="end">${escaped(name)}</text>\n${bars.join('\n')}`
}

function legend(count, index) {
  return `<tspan fill="${COLORS[index % COLORS.length]}">${count} callers</tspan>`
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
