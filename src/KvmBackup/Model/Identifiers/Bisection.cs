namespace KvmBackup.Model.Identifiers;

/// <summary>Binary search.</summary>
public static class Bisection
{
    /// <param name="count">Number of elements.</param>
    /// <param name="holds">Tests the element at an index; when it is true for one element, it is true for all later
    /// ones.</param>
    /// <returns>The first index for which the test is true; the count when there is none.</returns>
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
