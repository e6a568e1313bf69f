import{g as o}from"./chunk-CIRYA6SR.js";function t(e){return o("h1",{children:"Node types"})}export{t as Nodes};
