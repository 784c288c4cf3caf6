"""One back-end a file; `base` holds the contract."""

from archsearch.models.base import ModelConfig
from archsearch.registry import Registry

MODELS: Registry[ModelConfig] = Registry(
    kind="back-end", shelf="archsearch.models", base=ModelConfig, key="backend"
)
