mod differential;
mod documented;
