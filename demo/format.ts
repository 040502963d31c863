const whole = new Intl.NumberFormat('en')

export const number = (value: number): string => whole.format(value)

export const count = (value: number, one: string, many = `${one}s`): string =>
  `${number(value)} ${value === 1 ? one : many}`

/** A duration, as one would say it. */
export const time = (milliseconds: number): string =>
  milliseconds < 995 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1_000).toFixed(1)} s`

export const bytes = (value: number): string =>
  value < 10_000 ? `${number(value)} B` : `${number(Math.round(value / 1_000))} kB`
