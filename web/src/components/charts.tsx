import { useElementSize } from '@mantine/hooks';
import { Fragment } from 'react';
import classes from './charts.module.css';

export type Series = { label: string; /** A CSS colour. */ color: string; values: number[] };

type Props = {
  /** What the chart shows, in words. */
  title: string;
  /** One for each place of the axis below. */
  labels: string[];
  series: Series[];
  format?: (value: number) => string;
  height?: number;
};

const margin = { top: 8, right: 8, bottom: 22, left: 44 };

/** Bars over each other, one pile for each label. */
export function BarChart(props: Props) {
  const sums = props.labels.map((_, index) => sum(props.series.map(({ values }) => values[index] ?? 0)));
  return (
    <Chart {...props} top={Math.max(...sums, 0)}>
      {({ x, y, step }) =>
        props.labels.map((label, index) => {
          let below = 0;
          const width = Math.max(1, step * 0.7);
          return (
            <g key={`${label} ${index}`}>
              <title>{describe(props, index)}</title>
              <rect
                x={x(index) - step / 2}
                y={margin.top}
                width={step}
                height={y(0) - margin.top}
                fill="transparent"
              />
              {props.series.map(({ label: name, color, values }) => {
                const from = below;
                below += values[index] ?? 0;
                const height = y(from) - y(below);
                return height > 0 ? (
                  <rect
                    key={name}
                    x={x(index) - width / 2}
                    y={y(below)}
                    width={width}
                    height={height}
                    fill={color}
                    rx={1}
                  />
                ) : null;
              })}
            </g>
          );
        })
      }
    </Chart>
  );
}

/** A line for each series. */
export function LineChart(props: Props) {
  return (
    <Chart {...props} top={Math.max(...props.series.flatMap(({ values }) => values), 0)}>
      {({ x, y }) =>
        props.series.map(({ label, color, values }) => (
          <Fragment key={label}>
            <polyline
              points={values.map((value, index) => `${x(index)},${y(value)}`).join(' ')}
              fill="none"
              stroke={color}
              strokeWidth={2}
              strokeLinejoin="round"
            />
            {values.map((value, index) => (
              <circle key={index} cx={x(index)} cy={y(value)} r={values.length > 60 ? 1.5 : 3} fill={color}>
                <title>{describe(props, index)}</title>
              </circle>
            ))}
          </Fragment>
        ))
      }
    </Chart>
  );
}

type Scale = { x: (index: number) => number; y: (value: number) => number; step: number };

function Chart({
  title,
  labels,
  series,
  format = String,
  height = 180,
  top,
  children,
}: Props & { top: number; children: (scale: Scale) => React.ReactNode }) {
  const { ref, width } = useElementSize<HTMLDivElement>();
  const ceiling = niceCeiling(top);
  const inner = {
    width: Math.max(0, width - margin.left - margin.right),
    height: height - margin.top - margin.bottom,
  };
  const step = labels.length > 0 ? inner.width / labels.length : 0;
  const scale: Scale = {
    step,
    x: (index) => margin.left + step * (index + 0.5),
    y: (value) => margin.top + inner.height * (1 - value / ceiling),
  };
  const every = Math.max(1, Math.ceil(labels.length / Math.max(1, Math.floor(inner.width / 70))));
  return (
    <figure className={classes['figure']}>
      <figcaption className={classes['caption']}>
        <strong>{title}</strong>
        {series.length > 1 &&
          series.map(({ label, color }) => (
            <span key={label} className={classes['key']}>
              <span className={classes['swatch']} style={{ background: color }} />
              {label}
            </span>
          ))}
      </figcaption>
      <div ref={ref} style={{ height }}>
        {width > 0 && (
          <svg
            width={width}
            height={height}
            role="img"
            aria-label={`${title}; the figures are in the table below`}
          >
            {[0, 0.5, 1].map((part) => (
              <g key={part}>
                <line
                  className={classes['grid']}
                  x1={margin.left}
                  x2={width - margin.right}
                  y1={scale.y(ceiling * part)}
                  y2={scale.y(ceiling * part)}
                />
                <text
                  className={classes['tick']}
                  x={margin.left - 6}
                  y={scale.y(ceiling * part) + 4}
                  textAnchor="end"
                >
                  {format(ceiling * part)}
                </text>
              </g>
            ))}
            {labels.map((label, index) =>
              index % every === 0 ? (
                <text
                  key={`${label} ${index}`}
                  className={classes['tick']}
                  x={scale.x(index)}
                  y={height - 6}
                  textAnchor="middle"
                >
                  {label}
                </text>
              ) : null,
            )}
            {children(scale)}
          </svg>
        )}
      </div>
      <details className={classes['table']}>
        <summary>As a table</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">When</th>
              {series.map(({ label }) => (
                <th key={label} scope="col">
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {labels.map((label, index) => (
              <tr key={`${label} ${index}`}>
                <th scope="row">{label}</th>
                {series.map(({ label: name, values }) => (
                  <td key={name}>{format(values[index] ?? 0)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}

function describe({ labels, series, format = String }: Props, index: number): string {
  return `${labels[index]}: ${series.map(({ label, values }) => `${label} ${format(values[index] ?? 0)}`).join(', ')}`;
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The next of 2, 4, 10, 20, 40, 100 …, of which the half is a round number too. */
function niceCeiling(value: number): number {
  if (value <= 2) return 2;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((part) => part * power).find((round) => round >= value) ?? value;
}
