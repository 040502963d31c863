/** The medians of one measure, by job; `NaN` where it was not measured. */
export type Medians = (job: string, measure: string) => number

export interface Goal {
  id: string
  what: string
  goal: string
  reached: number
  unit: string
  met: boolean
}

const goal =
  (word: 'at most' | 'at least', holds: (reached: number, bound: number) => boolean) =>
  (id: string, what: string, reached: number, bound: number, unit: string): Goal => ({
    id,
    what,
    goal: `${word} ${bound} ${unit}`,
    reached,
    unit,
    met: holds(reached, bound),
  })
const most = goal('at most', (reached, bound) => reached <= bound)
const least = goal('at least', (reached, bound) => reached >= bound)

/** P1 to P16 of SPEC.md, each as the ratio or figure that it is about. */
export const judge = (of: Medians, heaps: { worker: number | null; tab: number | null } | null): Goal[] => {
  const flood = (load: string, against: string) =>
    of(`flood ${load}: tabstream`, 'rate') / of(`flood ${load}: ${against}`, 'rate')
  const steady = (variant: string, measure: string) => of(`1000/s, 6 tabs: ${variant}`, measure)
  const quiet = (measure: string) =>
    of('10/s, 6 tabs: tabstream', measure) - of('10/s, 6 tabs: native', measure)
  const server = (tabs: number, measure: string) =>
    of(`1000/s, ${tabs} tabs: tabstream`, measure) / of('1000/s, 1 tabs: native', measure)
  const cpu = (load: string) => of(`${load}: tabstream`, 'cpu') / of(`${load}: native`, 'cpu')
  const idle = (measure: string) =>
    of('idle, 6 tabs: tabstream', measure) - of('idle, 6 tabs: blank', measure)
  const firstEvent = (measure: string) =>
    of('first event: tabstream', measure) - of('first event: native', measure)
  const cold = of('cold start: tabstream, attached', 'ms') / of('cold start: bare', 'ms')
  const hidden = (variant: string, measure: string) => of(`1000/s, 5 of 6 tabs hidden: ${variant}`, measure)
  return [
    least('P1', 'flood, 6 tabs, to native', flood('150 B, 6 tabs', 'native'), 1.6, 'x'),
    least('P1', 'flood, 20 tabs, to native over HTTP/2', flood('150 B, 20 tabs', 'native'), 1.5, 'x'),
    least('P1', 'flood, 6 tabs, to raw batches', flood('150 B, 6 tabs', 'raw batches'), 0.85, 'x'),
    least('P1', 'flood, 20 tabs, to raw batches', flood('150 B, 20 tabs', 'raw batches'), 0.85, 'x'),
    most('P2', '10/s, 6 tabs: p50 above native', quiet('p50'), 1, 'ms'),
    most('P2', '10/s, 6 tabs: p99 above native', quiet('p99'), 4, 'ms'),
    most(
      'P3',
      '1,000/s, 6 tabs: CPU, to native',
      steady('tabstream', 'cpu') / steady('native', 'cpu'),
      0.5,
      'x',
    ),
    most('P3', '1,000/s, 6 tabs: p99', steady('tabstream', 'p99'), 20, 'ms'),
    most('P3', '1,000/s, 6 tabs, coalesce 0: p50', steady('tabstream, coalesce: 0', 'p50'), 2, 'ms'),
    most('P4', 'server bytes of 6 tabs, to one native', server(6, 'serverBytes'), 1.05, 'x'),
    most('P4', 'server CPU of 6 tabs, to one native', server(6, 'serverCpu'), 1.05, 'x'),
    most('P5', 'cold start, to a bare SharedWorker', cold, 2, 'x'),
    most('P5', 'second tab', of('second tab: tabstream, attached', 'ms'), 8, 'ms'),
    ...(heaps === null || heaps.worker === null || heaps.tab === null
      ? []
      : [
          most('P6', 'worker heap grown by', heaps.worker, 1, 'MB'),
          most('P6', 'tab heap grown by', heaps.tab, 1, 'MB'),
        ]),
    most(
      'P7',
      'main thread at 10,000/s, to native',
      of('10000/s, 1 tabs: tabstream', 'mainThread') / of('10000/s, 1 tabs: native', 'mainThread'),
      0.4,
      'x',
    ),
    most('P8', 'late tab, 5,000 events', of('late tab, 5000 events', 'ms'), 60, 'ms'),
    most('P8', 'late tab: longest task in any tab', of('late tab, 5000 events', 'longestTask'), 50, 'ms'),
    least('P9', '64 kB events, to native', flood('65536 B, 6 tabs', 'native'), 1, 'x'),
    least('P9', 'one 1 MiB event, to native', flood('1048576 B, 6 tabs', 'native'), 1, 'x'),
    most('P10', "first event, after native's", firstEvent('ms'), 40, 'ms'),
    most('P10', "first event of a later visit, after native's", firstEvent('again'), 30, 'ms'),
    most('P10', 'request, after connect()', of('first event: tabstream', 'request'), 25, 'ms'),
    most('P11', '6 idle tabs: CPU above blank pages', idle('cpu'), 0.1, '%'),
    most('P11', '6 idle tabs: wake-ups a second', of('idle, 6 tabs: tabstream', 'wakeUps'), 2, ''),
    most('P12', '10/s, one tab: CPU, to native', cpu('10/s, 1 tabs'), 1.2, 'x'),
    most('P12', '1,000/s, one tab: CPU, to native', cpu('1000/s, 1 tabs'), 1.2, 'x'),
    most('P13', '10/s, 6 tabs: CPU, to native', cpu('10/s, 6 tabs'), 1, 'x'),
    most(
      'P14',
      '1,000/s, 5 of 6 tabs hidden: CPU, to native',
      hidden('tabstream, hidden', 'cpu') / hidden('native', 'cpu'),
      0.25,
      'x',
    ),
    most('P14', 'the tab in view: p99', hidden('tabstream, hidden', 'p99'), 20, 'ms'),
    most('P14', 'a hidden tab: at most', hidden('tabstream, hidden', 'hiddenMost'), 1_000, 'ms'),
    most('P14', 'a tab shown has all after', hidden('tabstream, hidden', 'catchUp'), 16, 'ms'),
    most(
      'P15',
      'attach of the 50th tab, to the second',
      of('50th tab: tabstream, attached', 'ms') / of('second tab: tabstream, attached', 'ms'),
      1.5,
      'x',
    ),
    least('P15', 'flood, 50 tabs, to native over HTTP/2', flood('150 B, 50 tabs', 'native'), 1.5, 'x'),
  ]
}
