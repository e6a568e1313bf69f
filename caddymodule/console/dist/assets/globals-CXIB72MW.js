import{g as o}from"./chunk-CIRYA6SR.js";function r(t){return o("h1",{children:"Globals"})}export{r as Globals};
