# An event loop inside.
# task: total
import asyncio


async def square(number):
    await asyncio.sleep(0)
    return number * number


def total(numbers):
    async def all_of_them():
        return sum(await asyncio.gather(*map(square, numbers)))

    return asyncio.run(all_of_them())
