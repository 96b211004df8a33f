namespace KvmBackup.Model.Identifiers;

/// <summary>Finds things in an order, in logarithmic time.</summary>
public static class Bisection
{
    /// <param name="count">How many things there are.</param>
    /// <param name="holds">Asks the thing of that index; once it holds, it holds for all that follow.</param>
    /// <returns>The first for which it holds; the count when there is none.</returns>
    public static int First(int count, Func<int, bool> holds)
    {
        int low = 0;
        for (int high = count; low < high;)
        {
            int middle = (low + high) / 2;
            (low, high) = holds(middle) ? (low, middle) : (middle + 1, high);
        }

        return low;
    }
}
