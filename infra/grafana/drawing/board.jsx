// Draws one board with the parts that Grafana itself draws panels with. `window.drawn` is what __main__.py asked Prometheus for.
import React from 'react';
import { createRoot } from 'react-dom/client';
import { FieldConfigOptionsRegistry, FieldType, applyFieldOverrides, createTheme, dateTime, getDisplayValueAlignmentFactors, getFieldDisplayValues } from '@grafana/data';
import { BarGauge, BigValue, PanelChrome, ThemeContext, TimeSeries, VizRepeater, GlobalStyles } from '@grafana/ui';

const { board, colours, from, to, width } = window.drawn;
const theme = createTheme({ colors: { mode: colours } });
const CELL = { width: width / 24, height: 38 };
// What the plugin of each kind adds, which is in Grafana's application and not in these packages.
const LINES = { drawStyle: 'line', lineInterpolation: 'linear', lineWidth: 1, fillOpacity: 0, showPoints: 'never', spanNulls: false, axisPlacement: 'auto', pointSize: 5 };
const plain = (text) => text;
const registry = new FieldConfigOptionsRegistry();

function fieldOf(panel, legend) {
  const config = structuredClone(panel.fieldConfig.defaults);
  config.thresholds.steps.forEach((step) => (step.value ??= -Infinity));
  config.custom = { ...LINES, ...config.custom };
  if (config.custom.stacking) config.custom.stacking.group = 'A';
  return { ...config, displayNameFromDS: legend };
}

function framesOf(panel) {
  const data = panel.series.map(({ legend, points }, refId) => ({
    refId: String(refId), length: points.length,
    fields: [
      { name: 'Time', type: FieldType.time, config: {}, values: points.map(([at]) => at * 1000) },
      { name: 'Value', type: FieldType.number, config: fieldOf(panel, legend), values: points.map(([, value]) => (value === 'NaN' ? null : Number(value))) },
    ],
  }));
  return applyFieldOverrides({ data, fieldConfig: { defaults: {}, overrides: [] }, theme, replaceVariables: plain, fieldConfigRegistry: registry, timeZone: 'Europe/London' });
}

function Lines({ panel, width, height }) {
  const raw = { from: new Date(from * 1000), to: new Date(to * 1000) };
  const timeRange = { from: dateTime(raw.from), to: dateTime(raw.to), raw };
  const frames = framesOf(panel);
  if (!frames.length) return <div style={{ textAlign: 'center', paddingTop: height / 2 - 10 }}>No data</div>;
  return <TimeSeries frames={frames} timeRange={timeRange} timeZone="Europe/London" width={width} height={height}
    legend={panel.options.legend} options={panel.options} structureRev={1} replaceVariables={plain} />;
}

function Values({ panel, width, height }) {
  const config = fieldOf(panel);
  const getValues = () => getFieldDisplayValues({ data: framesOf(panel), fieldConfig: { defaults: config, overrides: [] }, theme, reduceOptions: panel.options.reduceOptions, replaceVariables: plain, timeZone: 'Europe/London' });
  const bars = panel.type === 'bargauge';
  const renderValue = ({ value, width, height, alignmentFactors }) => bars
    ? <BarGauge value={value.display} field={value.field} text={{}} width={width} height={height} orientation="horizontal" displayMode="gradient" theme={theme} alignmentFactors={alignmentFactors} itemSpacing={8} showUnfilled namePlacement="auto" valueDisplayMode="color" />
    : <BigValue value={value.display} width={width} height={height} theme={theme} colorMode="value" graphMode="none" justifyMode="auto" textMode="auto" />;
  return <VizRepeater source={panel} getValues={getValues} getAlignmentFactors={getDisplayValueAlignmentFactors} renderValue={renderValue} renderCounter={1} width={width} height={height} orientation={bars ? 'horizontal' : 'auto'} itemSpacing={8} autoGrid={!bars} />;
}

function Panel({ panel }) {
  const { x = 0, y = 0, w, h } = panel.gridPos;
  const at = { position: 'absolute', left: x * CELL.width, top: y * CELL.height, width: w * CELL.width - 8, height: h * CELL.height - 8 };
  if (panel.type === 'row') return <div style={{ ...at, fontSize: 16, fontWeight: 500, padding: '4px 8px' }}>{panel.title}</div>;
  const Part = panel.type === 'timeseries' ? Lines : Values;
  return <div style={at}>
    <PanelChrome title={panel.title} width={at.width} height={at.height}>{(width, height) => <Part panel={panel} width={width} height={height} />}</PanelChrome>
  </div>;
}

async function draw() {
  await document.fonts.load('16px Inter').catch(() => undefined); // else numbers wrap
  const tallest = Math.max(...board.panels.map(({ gridPos: { y = 0, h } }) => y + h));
  createRoot(document.getElementById('board')).render(
    <ThemeContext.Provider value={theme}><GlobalStyles />
      <div style={{ position: 'relative', height: tallest * CELL.height, background: theme.colors.background.canvas, color: theme.colors.text.primary }}>
        {board.panels.map((panel) => <Panel key={panel.id ?? panel.title} panel={panel} />)}
      </div>
    </ThemeContext.Provider>,
  );
}
draw();
