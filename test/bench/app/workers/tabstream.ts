import { serve } from 'tabstream/worker'
import { countWakeUps } from '../wake-ups.ts'

countWakeUps()
serve()
