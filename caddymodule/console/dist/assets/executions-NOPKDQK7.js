import{g as o}from"./chunk-CIRYA6SR.js";function e(t){return o("h1",{children:"Executions"})}export{e as Executions};
