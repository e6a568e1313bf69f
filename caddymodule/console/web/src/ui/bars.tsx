// Small charts of counts by the hour. Each kind has a color and a fill of its own, and the sums
// stand beside the chart.

export interface Series {
  kind: "ok" | "bad" | "idle";
  counts: readonly number[];
}

const step = 5;
const width = 4;
const height = 28;
/** A chart with fewer than this in its highest bar is not drawn to its full height. */
const least = 4;

/** The fill of failures. It has to be once in the page. */
export function BarPatterns() {
  return (
    <svg class="bar-patterns" aria-hidden="true" focusable="false">
      <defs>
        <pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect class="hatch-back" width="4" height="4" />
          <rect class="hatch-line" width="2" height="4" />
        </pattern>
      </defs>
    </svg>
  );
}

/** Stacked bars, the first series at the bottom. label says in words what they show. */
export function Bars({ series, label }: { series: readonly Series[]; label: string }) {
  const n = series[0]?.counts.length ?? 0;
  let highest = least;
  for (let i = 0; i < n; i++)
    highest = Math.max(
      highest,
      series.reduce((sum, s) => sum + (s.counts[i] ?? 0), 0),
    );
  const bars = [];
  for (let i = 0; i < n; i++) {
    let y = height;
    for (const { kind, counts } of series) {
      const count = counts[i] ?? 0;
      if (count === 0) continue;
      const h = Math.max(2, ((height - 2) * count) / highest);
      y -= h;
      bars.push(
        <rect
          key={`${i}${kind}`}
          class={`bar-part ${kind}`}
          x={i * step}
          y={Math.max(0, y)}
          width={width}
          height={h}
        />,
      );
    }
  }
  return (
    <svg
      class="bars"
      width={n * step}
      height={height}
      viewBox={`0 0 ${n * step} ${height}`}
      role="img"
      aria-label={label}
    >
      <path class="bar-base" d={`M0 ${height - 0.5}H${n * step}`} />
      {bars}
    </svg>
  );
}

/** What the fills mean. */
export function BarLegend() {
  const sign = (kind: string) => (
    <svg width="10" height="10" aria-hidden="true">
      <rect class={`bar-part ${kind}`} x="0.5" y="0.5" width="9" height="9" />
    </svg>
  );
  return (
    <div class="legend">
      <span>{sign("ok")} succeeded</span>
      <span>{sign("bad")} failed or timed out</span>
      <span>{sign("idle")} cancelled</span>
    </div>
  );
}
